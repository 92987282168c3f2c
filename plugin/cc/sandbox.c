/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define NOBODY 65534

/* -- privileges -- */

static int root_drop(struct error *err)
{
	if (geteuid() != 0 && getuid() != 0)
		return 0;
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return error_set(err, -errno, "sandbox: cannot become nobody (uid %d): %s", NOBODY,
				 strerror(errno));
	return 0;
}

/* Also for other users than root, because a service can have ambient capabilities. */
static int capabilities_drop(struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ||
	    syscall(SYS_capset, &header, none))
		return error_set(err, -errno, "sandbox: cannot drop the capabilities: %s",
				 strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return error_set(err, -errno, "sandbox: cannot set no_new_privs: %s",
				 strerror(errno));
	return 0;
}

/* -- files: Landlock -- */

/* The layout of kernel 6.12. Older kernels accept the longer structure if the rest is zero. */
struct ruleset {
	uint64_t files;
	uint64_t network;
	uint64_t scoped;
};

/* The rights that each Landlock ABI adds, as numbers, because headers may be older. */
static const struct {
	int abi;
	struct ruleset forbids;
} landlock_abis[] = {
	{ 1, { .files = 0x1fff } },	       /* execute, write, read, make, remove */
	{ 2, { .files = 1 << 13 } },	       /* refer: link and rename elsewhere */
	{ 3, { .files = 1 << 14 } },	       /* truncate */
	{ 4, { .network = 1 << 0 | 1 << 1 } }, /* TCP bind, connect */
	{ 5, { .files = 1 << 15 } },	       /* ioctl on devices */
	{ 6, { .scoped = 1 << 0 | 1 << 1 } },  /* abstract unix sockets, signals */
};

static struct ruleset ruleset_for(int abi)
{
	struct ruleset all = {};

	for (size_t i = 0; i < ARRAY_SIZE(landlock_abis) && landlock_abis[i].abi <= abi; i++) {
		all.files |= landlock_abis[i].forbids.files;
		all.network |= landlock_abis[i].forbids.network;
		all.scoped |= landlock_abis[i].forbids.scoped;
	}
	return all;
}

static int allow_reading(int ruleset, const char *path, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE,
		.parent_fd = fd,
	};
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 || fstat(fd, &st))
		return error_set(err, -errno, "sandbox: %s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		return error_set(err, -errno, "sandbox: cannot allow reading %s: %s", path,
				 strerror(errno));
	return 0;
}

/* Creates the ruleset. Call it before privileges are dropped, while all paths are accessible. */
static int ruleset_create(const char *const *readable, struct error *err)
{
	_cleanup_close_ int fd = -1;
	struct ruleset attr;
	int abi, r;

	abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 0)
		return error_set(err, -errno,
				 "sandbox: this kernel has no Landlock (CONFIG_SECURITY_LANDLOCK, "
				 "lsm=landlock,... on its command line): %s",
				 strerror(errno));
	attr = ruleset_for(abi);
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return error_set(err, -errno, "sandbox: cannot create the Landlock ruleset: %s",
				 strerror(errno));
	for (; *readable; readable++) {
		r = allow_reading(fd, *readable, err);
		if (r < 0)
			return r;
	}
	return steal_fd(&fd);
}

/* -- system calls: seccomp -- */

#if defined(__x86_64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define AUDIT_ARCH_HERE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_S390X
#else
#error "add the AUDIT_ARCH_* of this machine"
#endif

/* System calls that no compiler needs and Landlock does not cover. They fail with EPERM. */
static const unsigned int forbidden_syscalls[] = {
	/* network, and io_uring, which bypasses this filter */
	SYS_socket,
	SYS_socketpair,
	SYS_io_uring_setup,
	/* access to other processes */
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_process_madvise,
	SYS_pidfd_getfd,
	/* large attack surfaces of the kernel */
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	/* namespaces and mounts */
	SYS_unshare,
	SYS_setns,
	SYS_chroot,
	SYS_pivot_root,
	SYS_mount,
	SYS_umount2,
	SYS_move_mount,
	SYS_open_tree,
	SYS_fsopen,
	SYS_fspick,
	SYS_mount_setattr,
	SYS_open_by_handle_at,
	/* file metadata */
	SYS_fchmod,
	SYS_fchmodat,
	SYS_fchown,
	SYS_fchownat,
	SYS_utimensat,
	SYS_setxattr,
	SYS_lsetxattr,
	SYS_fsetxattr,
	SYS_removexattr,
	SYS_lremovexattr,
	SYS_fremovexattr,
	452, /* fchmodat2 */
#ifdef __x86_64__
	SYS_chmod,
	SYS_chown,
	SYS_lchown,
	SYS_utime,
	SYS_utimes,
	SYS_futimesat,
#endif
};

#define X32_SYSCALL_BIT 0x40000000u

static int forbid_syscalls(struct error *err)
{
	enum { BEFORE = 4, EACH = 2, AFTER = 1 };
	struct sock_filter code[BEFORE + EACH * ARRAY_SIZE(forbidden_syscalls) + 2 + AFTER];
	struct sock_fprog program = { .filter = code };
	size_t n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_HERE, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	/* The x32 ABI has other numbers for the same calls. */
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_SYSCALL_BIT, 0, 1);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	for (size_t i = 0; i < ARRAY_SIZE(forbidden_syscalls); i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 forbidden_syscalls[i], 0, 1);
		code[n++] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = (unsigned short)n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return error_set(err, -errno, "sandbox: cannot install the seccomp filter: %s",
				 strerror(errno));
	return 0;
}

int sandbox_enter(const char *const *readable, struct error *err)
{
	_cleanup_close_ int ruleset = -1;
	int r;

	ruleset = ruleset_create(readable, err);
	if (ruleset < 0)
		return ruleset;
	r = root_drop(err);
	if (!r)
		r = capabilities_drop(err);
	if (r < 0)
		return r;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0))
		return error_set(err, -errno, "sandbox: cannot enter Landlock: %s",
				 strerror(errno));
	return forbid_syscalls(err);
}
