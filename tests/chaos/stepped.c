/* A time of day that somebody else sets: for LD_PRELOAD. Clocks that never step are left alone.
 * MYPICK_CLOCK names a file of eight bytes, the nanoseconds by which this process is wrong. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static const volatile int64_t *dial;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("MYPICK_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *mapped = mmap(NULL, sizeof *dial, PROT_READ, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) dial = mapped;
  close(file);
}

int clock_gettime(clockid_t clock, struct timespec *told) {
  int failed = syscall(SYS_clock_gettime, clock, told);
  if (failed || !dial || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
  int64_t now = told->tv_sec * SECOND + told->tv_nsec + *dial;
  told->tv_sec = now / SECOND;
  told->tv_nsec = now % SECOND;
  return 0;
}

int gettimeofday(struct timeval *restrict told, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  told->tv_sec = now.tv_sec;
  told->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *told) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (told) *told = now.tv_sec;
  return now.tv_sec;
}
