/* Records what a process does to a directory, and what it prints. Preloaded with LD_PRELOAD.
 *
 * POWER_CUT_ROOT is the directory, POWER_CUT_TRACE the file that gets one record for each operation.
 * trace.py reads it. A record is a header, a path relative to the directory, and data. Operations are
 * written down in their order: one lock is held over each operation and its record. Calls that the
 * supervisor does not use (link, openat, mmap of the database …) are not recorded; the recorder
 * compares the real directory with the recorded one at the end, so a missed write is noticed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct header {
    char kind;       /* see `_operation` in trace.py */
    char pad[7];
    uint64_t at;     /* CLOCK_REALTIME in nanoseconds */
    uint64_t inode;
    uint64_t number; /* offset of a write, size of a truncate */
    uint64_t path_length;
    uint64_t data_length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *root;
static size_t root_length;
static int trace = -1;

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_ftruncate)(int, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);

__attribute__((constructor)) static void start(void) {
    real_open = dlsym(RTLD_NEXT, "open64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_mkdir = dlsym(RTLD_NEXT, "mkdir");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    root = getenv("POWER_CUT_ROOT");
    const char *path = getenv("POWER_CUT_TRACE");
    if (!root || !path)
        return;
    root_length = strlen(root);
    int descriptor = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    trace = fcntl(descriptor, F_DUPFD_CLOEXEC, 500); /* out of the way of the program's own */
    close(descriptor);
    unsetenv("LD_PRELOAD"); /* children are not recorded */
}

static void fail(const char *why) {
    dprintf(2, "power cut shim: %s: %s\n", why, strerror(errno));
    abort();
}

/* Returns the part of a path below the root, or NULL if it lies elsewhere. */
static const char *below(const char *path) {
    if (trace < 0 || strncmp(path, root, root_length))
        return NULL;
    if (path[root_length] == 0)
        return "";
    return path[root_length] == '/' ? path + root_length + 1 : NULL;
}

/* Returns whether an open file lies below the root, and sets its inode. */
static int is_watched(int descriptor, uint64_t *inode) {
    char link[64], path[4096];
    struct stat status;
    if (trace < 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (!below(path) || fstat(descriptor, &status))
        return 0;
    *inode = status.st_ino;
    return 1;
}

static void record(char kind, uint64_t inode, uint64_t number, const char *path, const void *data,
                   size_t length) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct header header = {.kind = kind,
                            .at = now.tv_sec * 1000000000ull + now.tv_nsec,
                            .inode = inode,
                            .number = number,
                            .path_length = strlen(path),
                            .data_length = length};
    struct iovec parts[] = {{&header, sizeof header},
                            {(void *)path, header.path_length},
                            {(void *)data, length}};
    ssize_t whole = sizeof header + header.path_length + length;
    if (writev(trace, parts, 3) != whole)
        fail("cannot write the trace");
}

static uint64_t inode_of(const char *path) {
    struct stat status;
    return lstat(path, &status) ? 0 : status.st_ino;
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    const char *name = flags & O_CREAT ? below(path) : NULL;
    if (!name)
        return real_open(path, flags, mode);
    pthread_mutex_lock(&lock);
    int descriptor = real_open(path, flags, mode);
    int error = errno;
    if (descriptor >= 0) {
        record('O', inode_of(path), 0, name, NULL, 0);
        if (flags & O_TRUNC)
            record('T', inode_of(path), 0, "", NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return descriptor;
}

ssize_t write(int descriptor, const void *data, size_t length) {
    uint64_t inode;
    int is_output = trace >= 0 && (descriptor == 1 || descriptor == 2);
    if (!is_output && !is_watched(descriptor, &inode))
        return real_write(descriptor, data, length);
    pthread_mutex_lock(&lock);
    off64_t offset = is_output ? 0 : lseek64(descriptor, 0, SEEK_CUR);
    ssize_t written = real_write(descriptor, data, length);
    int error = errno;
    if (written > 0)
        record(is_output ? 'L' : 'W', is_output ? 0 : inode, offset, "", data, written);
    pthread_mutex_unlock(&lock);
    errno = error;
    return written;
}

ssize_t pwrite64(int descriptor, const void *data, size_t length, off64_t offset) {
    uint64_t inode;
    if (!is_watched(descriptor, &inode))
        return real_pwrite(descriptor, data, length, offset);
    pthread_mutex_lock(&lock);
    ssize_t written = real_pwrite(descriptor, data, length, offset);
    int error = errno;
    if (written > 0)
        record('W', inode, offset, "", data, written);
    pthread_mutex_unlock(&lock);
    errno = error;
    return written;
}

int ftruncate64(int descriptor, off64_t size) {
    uint64_t inode;
    if (!is_watched(descriptor, &inode))
        return real_ftruncate(descriptor, size);
    pthread_mutex_lock(&lock);
    int result = real_ftruncate(descriptor, size);
    int error = errno;
    if (!result)
        record('T', inode, size, "", NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

/* The lock is not held while the disk works: others may write and print. What they write in that time
 * may or may not be synced, so the sync covers what was recorded before it began. */
static int sync_with(int (*real)(int), int descriptor) {
    uint64_t inode;
    if (!is_watched(descriptor, &inode))
        return real(descriptor);
    pthread_mutex_lock(&lock);
    record('B', inode, 0, "", NULL, 0);
    pthread_mutex_unlock(&lock);
    int result = real(descriptor);
    int error = errno;
    pthread_mutex_lock(&lock);
    if (!result)
        record('S', inode, 0, "", NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int fsync(int descriptor) { return sync_with(real_fsync, descriptor); }

int fdatasync(int descriptor) { return sync_with(real_fdatasync, descriptor); }

int mkdir(const char *path, mode_t mode) {
    const char *name = below(path);
    if (!name)
        return real_mkdir(path, mode);
    pthread_mutex_lock(&lock);
    int result = real_mkdir(path, mode);
    int error = errno;
    if (!result)
        record('D', inode_of(path), 0, name, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int rename(const char *path, const char *target) {
    const char *name = below(path), *to = below(target);
    if (!name || !to)
        return real_rename(path, target);
    pthread_mutex_lock(&lock);
    int result = real_rename(path, target);
    int error = errno;
    if (!result)
        record('R', 0, 0, name, to, strlen(to));
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int unlink(const char *path) {
    const char *name = below(path);
    if (!name)
        return real_unlink(path);
    pthread_mutex_lock(&lock);
    int result = real_unlink(path);
    int error = errno;
    if (!result)
        record('U', 0, 0, name, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
