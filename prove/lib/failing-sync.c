/* A disk that fails once: the FAIL_SYNC_AT-th fsync or fdatasync of the process returns EIO and syncs nothing; those before and
   after it are real. Built and preloaded by failing-sync.ts.

   When it happens, the file FAIL_SYNC_MARK is made. It tells how the file was that could not be synced when it last was in sync,
   so that what was written since can be taken back when the process has gone, as it would be gone with the page cache:
   a line with its path and one with its size then, and for each write since, the last one first, a line with offset and length
   of what it overwrote, and those bytes. What is written there again and then synced is on disk after all: the file
   FAIL_SYNC_MARK.rewritten has a line with offset and length of each. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a write is about to overwrite. */
struct image {
  struct image *next;
  off_t offset;
  ssize_t length;
  char bytes[];
};

/* A file with writes that were not synced. */
struct file {
  struct file *next;
  dev_t device;
  ino_t inode;
  off_t size;
  struct image *images;
};

static long fail_at;
static long calls;
static struct file *files;
/* The one that failed, and what was written to it since and not synced yet. */
static struct file *failed;
static struct image *again;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
  const char *at = getenv("FAIL_SYNC_AT");
  fail_at = at ? atol(at) : 0;
}

static struct file *file_of(int fd, int make) {
  struct stat stat;
  if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) return NULL;
  struct file *file = files;
  while (file && (file->device != stat.st_dev || file->inode != stat.st_ino)) file = file->next;
  if (!file && make && (file = calloc(1, sizeof *file))) {
    *file = (struct file){files, stat.st_dev, stat.st_ino, stat.st_size, NULL};
    files = file;
  }
  return file;
}

static void remember(int fd, off_t offset, size_t length) {
  if (fail_at == 0) return;
  int error = errno;
  pthread_mutex_lock(&lock);
  struct file *file = offset < 0 || (calls >= fail_at && !failed) ? NULL : file_of(fd, !failed);
  struct image *image = file && (!failed || file == failed) ? malloc(sizeof *image + length) : NULL;
  if (image && failed) {
    *image = (struct image){again, offset, length};
    again = image;
  } else if (image) {
    if (!file->images) {
      struct stat stat;
      if (fstat(fd, &stat) == 0) file->size = stat.st_size;
    }
    image->next = file->images;
    image->offset = offset;
    image->length = pread(fd, image->bytes, length, offset);
    file->images = image;
  }
  pthread_mutex_unlock(&lock);
  errno = error;
}

static void forget(struct file *file) {
  while (file && file->images) {
    struct image *image = file->images;
    file->images = image->next;
    free(image);
  }
}

static void tell(int fd, struct file *file) {
  const char *mark = getenv("FAIL_SYNC_MARK");
  char made[4096], link[64], path[4096];
  if (!mark || snprintf(made, sizeof made, "%s.part", mark) >= (int)sizeof made) return;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = '\0';
  FILE *out = fopen(made, "we");
  if (!out) return;
  fprintf(out, "%s\n%lld\n", path, file && file->images ? (long long)file->size : -1);
  for (struct image *image = file ? file->images : NULL; image; image = image->next) {
    if (image->length <= 0) continue;
    fprintf(out, "%lld %zd\n", (long long)image->offset, image->length);
    fwrite(image->bytes, 1, image->length, out);
  }
  fclose(out);
  rename(made, mark);
}

static void tell_again(void) {
  const char *mark = getenv("FAIL_SYNC_MARK");
  char path[4096];
  if (!again || !mark || snprintf(path, sizeof path, "%s.rewritten", mark) >= (int)sizeof path) return;
  FILE *out = fopen(path, "ae");
  if (!out) return;
  while (again) {
    struct image *image = again;
    fprintf(out, "%lld %zd\n", (long long)image->offset, image->length);
    again = image->next;
    free(image);
  }
  fclose(out);
}

/* The lock is not held while the disk works, so that a sync in one thread keeps no other from writing. */
static int sync_with(int (*real)(int), int fd) {
  pthread_mutex_lock(&lock);
  int fails = ++calls == fail_at;
  struct file *file = fail_at == 0 ? NULL : file_of(fd, 0);
  if (fails) {
    failed = file;
    tell(fd, file);
  } else if (file && file == failed) tell_again();
  else forget(file);
  pthread_mutex_unlock(&lock);
  if (!fails) return real(fd);
  errno = EIO;
  return -1;
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fsync");
  return sync_with(real, fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
  return sync_with(real, fd);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = dlsym(RTLD_NEXT, "write");
  remember(fd, lseek(fd, 0, SEEK_CUR), length);
  return real(fd, bytes, length);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  static ssize_t (*real)(int, const void *, size_t, off64_t);
  if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
  remember(fd, offset, length);
  return real(fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (!real) real = dlsym(RTLD_NEXT, "pwrite");
  remember(fd, offset, length);
  return real(fd, bytes, length, offset);
}
