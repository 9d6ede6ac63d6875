/*
 * loggeddisk: a FUSE file system of one file, `disk`, that a loop device lies on, and that keeps a log of all that reaches it.
 *
 *   loggeddisk IMAGE LOG MOUNT_POINT -f
 *
 * IMAGE is what the disk holds. LOG gets a record for each write and each flush, in the order in which they came: three
 * numbers of 64 bits in the machine's byte order (1 for a write or 2 for a flush, the offset, the length), then the bytes.
 * A loop device turns a flush of its file system (REQ_OP_FLUSH; FUA is done by one as well) into fsync on its file, so the
 * log says what a disk with a write cache was told, and with which barriers: what it may hold after a loss of power is all
 * before the last flush, and anything of what came after.
 *
 * One request at a time (-s), so that the order is one.
 */
#define FUSE_USE_VERSION 31
#define _GNU_SOURCE
#include <fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { WRITE = 1, FLUSH = 2 };
static int image, journal;

static int record(uint64_t kind, uint64_t offset, const char *bytes, uint64_t length) {
  uint64_t head[3] = { kind, offset, length };
  struct iovec parts[2] = { { head, sizeof head }, { (void *)bytes, length } };
  ssize_t whole = (ssize_t)(sizeof head + length);
  return writev(journal, parts, length ? 2 : 1) == whole ? 0 : -EIO;
}

static int op_getattr(const char *p, struct stat *st, struct fuse_file_info *fi) {
  (void)fi;
  if (!strcmp(p, "/")) { st->st_mode = S_IFDIR | 0755; st->st_nlink = 2; return 0; }
  if (strcmp(p, "/disk")) return -ENOENT;
  return fstat(image, st) == -1 ? -errno : 0;
}
static int op_open(const char *p, struct fuse_file_info *fi) {
  if (strcmp(p, "/disk")) return -ENOENT;
  fi->direct_io = 1; /* no cache of the kernel's between the loop device and the log */
  return 0;
}
static int op_read(const char *p, char *b, size_t n, off_t o, struct fuse_file_info *fi) {
  (void)p; (void)fi; ssize_t r = pread(image, b, n, o); return r == -1 ? -errno : (int)r;
}
static int op_write(const char *p, const char *b, size_t n, off_t o, struct fuse_file_info *fi) {
  (void)p; (void)fi;
  int e = record(WRITE, (uint64_t)o, b, n); if (e) return e;
  ssize_t r = pwrite(image, b, n, o); return r == -1 ? -errno : (int)r;
}
static int op_fsync(const char *p, int d, struct fuse_file_info *fi) { (void)p; (void)d; (void)fi; return record(FLUSH, 0, NULL, 0); }
/* Without this a close of the loop device would count for a barrier that no disk was given. */
static int op_flush(const char *p, struct fuse_file_info *fi) { (void)p; (void)fi; return 0; }

static const struct fuse_operations ops = {
  .getattr = op_getattr, .open = op_open, .read = op_read, .write = op_write, .fsync = op_fsync, .flush = op_flush,
};

int main(int argc, char **argv) {
  if (argc < 4) { fprintf(stderr, "usage: loggeddisk IMAGE LOG MOUNT_POINT [-f]\n"); return 2; }
  image = open(argv[1], O_RDWR);
  journal = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (image == -1 || journal == -1) { perror("loggeddisk"); return 1; }
  struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
  fuse_opt_add_arg(&args, argv[0]);
  for (int i = 3; i < argc; i++) fuse_opt_add_arg(&args, argv[i]);
  fuse_opt_add_arg(&args, "-s");
  return fuse_main(args.argc, args.argv, &ops, NULL);
}
