/* A disk that fails once: the FAIL_SYNC_AT-th fsync or fdatasync of the process returns EIO and syncs nothing; those before and
   after it are real. Built and preloaded by failing-sync.ts. The file FAIL_SYNC_MARK is made when it has happened. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static long fail_at;
static atomic_long calls;

__attribute__((constructor)) static void begin(void) {
  const char *at = getenv("FAIL_SYNC_AT");
  fail_at = at ? atol(at) : 0;
}

static int fails(void) {
  if (atomic_fetch_add(&calls, 1) + 1 != fail_at) return 0;
  const char *mark = getenv("FAIL_SYNC_MARK");
  if (mark) {
    int made = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (made >= 0) close(made);
  }
  errno = EIO;
  return 1;
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fsync");
  return fails() ? -1 : real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
  return fails() ? -1 : real(fd);
}
