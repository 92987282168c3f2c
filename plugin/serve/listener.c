/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/listener.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Returns true if the socket file is left from a process that has ended. */
static bool is_stale(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	/* connect() is refused for other kinds of files, too. */
	if (lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
	       errno == ECONNREFUSED;
}

static int set_group(const char *path, const char *group, struct error *err)
{
	char buffer[4096];
	struct group entry, *found = NULL;
	int r = getgrnam_r(group, &entry, buffer, sizeof(buffer), &found);

	if (r || !found)
		return error_set(err, r ? -r : -ENOENT, "socket %s: group \"%s\" does not exist",
				 path, group);
	if (chown(path, (uid_t)-1, found->gr_gid) < 0)
		return error_set(err, -errno, "socket %s: group \"%s\": %s", path, group,
				 strerror(errno));
	return 0;
}

int listener_open(const char *path, const char *group, unsigned int mode, bool replace,
		  struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return error_set(err, -errno, "socket: %s", strerror(errno));
	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(err, -ENAMETOOLONG,
				 "socket %s: the path has %zu bytes, the limit is %zu", path,
				 strlen(path), sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (replace || is_stale(&address))
		unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, -errno, "socket %s: %s%s", path, strerror(errno),
				 errno == EADDRINUSE ? "; is another collectd running?" : "");
	r = group ? set_group(path, group, err) : 0;
	if (r == 0 && chmod(path, mode) < 0)
		r = error_set(err, -errno, "socket %s: mode %04o: %s", path, mode, strerror(errno));
	if (r == 0 && listen(fd, SOMAXCONN) < 0)
		r = error_set(err, -errno, "socket %s: %s", path, strerror(errno));
	if (r < 0) {
		unlink(path);
		return r;
	}
	return steal_fd(&fd);
}

int listener_open_tcp(const char *host, const char *port, struct error *err)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *addresses;
	int r = getaddrinfo(host, port, &hints, &addresses), code = -EADDRNOTAVAIL, fd = -1;

	if (r)
		return error_set(err, -EADDRNOTAVAIL, "Http: Host \"%s\" Port \"%s\": %s", host,
				 port, gai_strerror(r));
	for (struct addrinfo *a = addresses; a && fd < 0; a = a->ai_next) {
		int on = 1;

		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (fd < 0) {
			code = -errno;
			continue;
		}
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0) {
			code = -errno;
			fd_close(&fd);
		}
	}
	freeaddrinfo(addresses);
	if (fd < 0)
		return error_set(err, code, "Http: Host \"%s\" Port \"%s\": %s", host, port,
				 strerror(-code));
	return fd;
}
