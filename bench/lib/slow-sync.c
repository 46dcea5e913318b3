/* A disk that takes longer: every fsync and fdatasync of the process waits as many ms as the file SLOW_SYNC_MS says at that moment
   before it does what it should. Built and preloaded by slow-sync.ts. The file SLOW_SYNC_CALLS grows by one byte with each, so
   that one can see that they were really delayed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int calls = -1;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("SLOW_SYNC_CALLS");
  if (path) calls = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static long wait_ms(void) {
  const char *path = getenv("SLOW_SYNC_MS");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return 0;
  char ms[16] = {0};
  ssize_t length = read(file, ms, sizeof ms - 1);
  close(file);
  return length > 0 ? atol(ms) : 0;
}

static void wait_first(void) {
  long ms = wait_ms();
  struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
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
