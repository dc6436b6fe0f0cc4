/* A host in bad weather, as one process sees it: preloaded, and steered through a mapped file.
 *
 * The file that $HOST_WEATHER names holds `struct switches`, see switches.py. It is mapped once, so a
 * switch acts at once, and reading it takes no descriptor and no lock.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct switches {
    int32_t sync_error;    /* errno of fsync and fdatasync */
    int32_t sync_delay;    /* milliseconds before each of them */
    int32_t sync_hangs;    /* whether they wait until this is 0 */
    int32_t write_error;   /* errno of pwrite, after it has written a half */
    int32_t write_halves;  /* whether each pwrite writes a half */
    int32_t thread_error;  /* errno of pthread_create */
    int32_t open_error;    /* errno of open, socket, pipe and accept */
    int32_t secret_hangs;  /* whether the open of a file named "secret" waits until this is 0 */
    int32_t names_hang;    /* whether look-ups of the name wait until this is 0 */
    int32_t log_error;     /* errno of a write to standard error */
    int64_t clock_offset;  /* seconds that are added to the wall clock */
};

static const char NAME[] = "peer.example.invalid"; /* resolves to 127.0.0.1 */

static struct switches calm;
static volatile struct switches *weather = (volatile struct switches *)&calm;

/* Finds the function that this library stands before. */
#define REAL(name)                                    \
    static __typeof__(&name) real;                    \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void map_switches(void)
{
    const char *path = getenv("HOST_WEATHER");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *found = mmap(NULL, sizeof calm, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED) weather = found;
}

static void wait_while(volatile int32_t *hangs)
{
    struct timespec moment = {0, 20 * 1000 * 1000};
    while (*hangs) nanosleep(&moment, NULL);
}

static int fails(int32_t error)
{
    if (error) errno = error;
    return error != 0;
}

/* Disk. SQLite alone calls these. */

static int sync_fails(void)
{
    int32_t delay = weather->sync_delay;
    struct timespec pause = {delay / 1000, delay % 1000 * 1000000L};
    if (delay) nanosleep(&pause, NULL);
    wait_while(&weather->sync_hangs);
    return fails(weather->sync_error);
}

int fsync(int file) { REAL(fsync); return sync_fails() ? -1 : real(file); }
int fdatasync(int file) { REAL(fdatasync); return sync_fails() ? -1 : real(file); }

/* Returns how much to write: all, a half, or nothing, which is an error. */
static size_t writable(size_t size)
{
    static _Thread_local int half_is_written;
    if (weather->write_error) {
        half_is_written = !half_is_written;
        if (!half_is_written || size < 2) return fails(weather->write_error) ? 0 : size;
        return size / 2;
    }
    return weather->write_halves && size > 1 ? size / 2 : size;
}

#define PWRITE(name, offset_type)                                              \
    ssize_t name(int file, const void *data, size_t size, offset_type offset)  \
    {                                                                          \
        REAL(name);                                                            \
        size_t most = writable(size);                                          \
        return size && !most ? -1 : real(file, data, most, offset);            \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

/* Log. */

ssize_t write(int file, const void *data, size_t size)
{
    REAL(write);
    return file == STDERR_FILENO && fails(weather->log_error) ? -1 : real(file, data, size);
}

/* Threads. */

int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*start)(void *), void *with)
{
    REAL(pthread_create);
    int32_t error = weather->thread_error;
    return error ? error : real(thread, how, start, with);
}

/* Descriptors, and secrets on a mount that does not answer. */

static int open_fails(const char *path)
{
    const char *base = strrchr(path, '/');
    if (weather->secret_hangs && !strcmp(base ? base + 1 : path, "secret"))
        wait_while(&weather->secret_hangs);
    return fails(weather->open_error);
}

static mode_t mode_of(int flags, va_list more)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

#define OPEN(name)                                            \
    int name(const char *path, int flags, ...)                \
    {                                                         \
        REAL(name);                                           \
        va_list more;                                         \
        va_start(more, flags);                                \
        mode_t mode = mode_of(flags, more);                   \
        va_end(more);                                         \
        return open_fails(path) ? -1 : real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                \
    int name(int at, const char *path, int flags, ...)              \
    {                                                               \
        REAL(name);                                                 \
        va_list more;                                               \
        va_start(more, flags);                                      \
        mode_t mode = mode_of(flags, more);                         \
        va_end(more);                                               \
        return open_fails(path) ? -1 : real(at, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

int socket(int family, int type, int protocol)
{
    REAL(socket);
    return fails(weather->open_error) ? -1 : real(family, type, protocol);
}

int pipe(int ends[2])
{
    REAL(pipe);
    return fails(weather->open_error) ? -1 : real(ends);
}

int pipe2(int ends[2], int flags)
{
    REAL(pipe2);
    return fails(weather->open_error) ? -1 : real(ends, flags);
}

int accept(int file, struct sockaddr *address, socklen_t *length)
{
    REAL(accept);
    return fails(weather->open_error) ? -1 : real(file, address, length);
}

int accept4(int file, struct sockaddr *address, socklen_t *length, int flags)
{
    REAL(accept4);
    return fails(weather->open_error) ? -1 : real(file, address, length, flags);
}

/* Names. */

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    REAL(getaddrinfo);
    int is_address = hints && hints->ai_flags & AI_NUMERICHOST;
    if (name && !is_address && !strcmp(name, NAME)) {
        wait_while(&weather->names_hang);
        name = "127.0.0.1";
    }
    return real(name, service, hints, found);
}

/* Clock. */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    REAL(clock_gettime);
    int result = real(clock, now);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += weather->clock_offset;
    return result;
}

int gettimeofday(struct timeval *now, void *zone)
{
    REAL(gettimeofday);
    int result = real(now, zone);
    now->tv_sec += weather->clock_offset;
    return result;
}

time_t time(time_t *kept)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (kept) *kept = now.tv_sec;
    return now.tv_sec;
}
