/* Lets the n-th call of one kind below a folder fail: loaded before libc, armed from within the process by `fault_arm`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[PATH_MAX], kind[16];
static int count, wanted, code, hits;

void fault_arm(const char *below, const char *which, int n, int error) {
    snprintf(folder, sizeof folder, "%s", below);
    snprintf(kind, sizeof kind, "%s", which);
    count = hits = 0, wanted = n, code = error;
}

int fault_hits(void) { return hits; }
int fault_count(void) { return count; }

static int fails(const char *which, const char *path) {
    if (!wanted || strcmp(kind, which) || strncmp(path, folder, strlen(folder)) || ++count != wanted) return 0;
    hits++, errno = code;
    return 1;
}

static int fails_at(const char *which, int fd) {
    char link[64], path[PATH_MAX];
    if (!wanted || strcmp(kind, which)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return fails(which, path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define OPEN(name)                                                                       \
    int name(const char *path, int flags, ...) {                                         \
        va_list rest;                                                                    \
        va_start(rest, flags);                                                           \
        mode_t mode = va_arg(rest, mode_t);                                              \
        va_end(rest);                                                                    \
        return fails("open", path) ? -1 : NEXT(name)(path, flags, mode);                 \
    }
OPEN(open)
OPEN(open64)
ssize_t read(int fd, void *to, size_t n) { return fails_at("read", fd) ? -1 : NEXT(read)(fd, to, n); }
ssize_t write(int fd, const void *from, size_t n) { return fails_at("write", fd) ? -1 : NEXT(write)(fd, from, n); }
int fsync(int fd) { return fails_at("fsync", fd) ? -1 : NEXT(fsync)(fd); }
int rename(const char *one, const char *two) { return fails("rename", one) ? -1 : NEXT(rename)(one, two); }
int link(const char *one, const char *two) { return fails("link", one) ? -1 : NEXT(link)(one, two); }
int mkdir(const char *path, mode_t mode) { return fails("mkdir", path) ? -1 : NEXT(mkdir)(path, mode); }
int unlink(const char *path) { return fails("unlink", path) ? -1 : NEXT(unlink)(path); }
