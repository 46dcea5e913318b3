/* A disk that takes longer: every fsync and fdatasync of the process waits SLOW_SYNC_MS before it does what it should.
   Built and preloaded by slow-sync.ts. The file SLOW_SYNC_CALLS grows by one byte with each, so that the bench can see that they
   were really delayed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long wait_ms;
static int calls = -1;

__attribute__((constructor)) static void begin(void) {
  const char *ms = getenv("SLOW_SYNC_MS");
  const char *path = getenv("SLOW_SYNC_CALLS");
  wait_ms = ms ? atol(ms) : 0;
  if (path) calls = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void wait_first(void) {
  struct timespec pause = {wait_ms / 1000, wait_ms % 1000 * 1000000};
  nanosleep(&pause, NULL);
  if (calls >= 0 && write(calls, ".", 1) < 0) calls = -1;
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fsync");
  wait_first();
  return real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
  wait_first();
  return real(fd);
}
