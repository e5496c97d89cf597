/* bad_server.c - see bad_server.h. One connection after another, one request each.
 * SPDX-License-Identifier: Apache-2.0 */
#include "support/bad_server.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUEST_MAX = 4096, CHUNK = 4096, HUGE_FACTOR = 4 };

static const struct {
    const char *path, *etag;
    bool ranges, cut, slow, wrong, shifted, unlimited;
} manners[] = {
        {.path = "/good", .etag = "\"one\"", .ranges = true},
        {.path = "/plain"},
        {.path = "/changed", .etag = "\"two\"", .ranges = true},
        {.path = "/cut", .etag = "\"one\"", .ranges = true, .cut = true},
        {.path = "/cutplain", .cut = true},
        {.path = "/slow", .etag = "\"one\"", .ranges = true, .slow = true},
        {.path = "/wrong", .ranges = true, .wrong = true},
        {.path = "/huge", .unlimited = true},
        {.path = "/shifted", .ranges = true, .shifted = true},
        {.path = "/never"},
};

unsigned char bad_server_byte(size_t i) {
    return (unsigned char)(i * 7 + i / 251);
}

static bool send_all(int fd, const void *bytes, size_t n) {
    const char *p = bytes;
    while (n) {
        ssize_t put = send(fd, p, n, MSG_NOSIGNAL);
        if (put <= 0) return false;
        p += put;
        n -= (size_t)put;
    }
    return true;
}

static void send_text(int fd, const char *text) {
    (void)send_all(fd, text, strlen(text));
}

static void send_body(int fd, size_t from, size_t to, bool wrong) {
    unsigned char chunk[CHUNK];
    while (from < to) {
        size_t n = to - from < CHUNK ? to - from : CHUNK;
        for (size_t i = 0; i < n; i++) chunk[i] = bad_server_byte(from + i);
        if (wrong && from == 0) chunk[100] ^= 1;
        if (!send_all(fd, chunk, n)) return;
        from += n;
    }
}

/* The value of a request header, or NULL. */
static const char *header(const char *request, const char *name) {
    const char *at = strstr(request, name);
    return at ? at + strlen(name) : NULL;
}

static void serve(int fd, size_t row, const char *request) {
    const char *range = header(request, "\r\nRange: bytes="), *if_range;
    size_t from = 0, to = BAD_SERVER_SIZE;
    bool part = range && manners[row].ranges;
    if_range = header(request, "\r\nIf-Range: ");
    if (if_range && manners[row].etag &&
            strncmp(if_range, manners[row].etag, strlen(manners[row].etag)) != 0)
        part = false;
    if (part) from = strtoul(range, NULL, 10);
    if (range && strcmp(manners[row].path, "/never") == 0) {
        send_text(fd, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n"
                      "Connection: close\r\n\r\n");
        return;
    }
    size_t told = from + (manners[row].shifted && part ? 10 : 0);
    char line[512], length[64] = "", place[96] = "", etag[64] = "";
    if (!manners[row].unlimited)
        (void)snprintf(length, sizeof length, "Content-Length: %zu\r\n", to - from);
    if (part)
        (void)snprintf(
                place, sizeof place, "Content-Range: bytes %zu-%zu/%zu\r\n", told, to - 1, to);
    if (manners[row].etag) (void)snprintf(etag, sizeof etag, "ETag: %s\r\n", manners[row].etag);
    (void)snprintf(line, sizeof line, "HTTP/1.1 %s\r\n%s%s%sConnection: close\r\n\r\n",
            part ? "206 Partial Content" : "200 OK", length, place, etag);
    send_text(fd, line);
    if (manners[row].unlimited) to *= HUGE_FACTOR;
    if (manners[row].cut || manners[row].slow) to = from + (to - from) / 2;
    send_body(fd, from, to, manners[row].wrong);
    if (manners[row].slow) (void)recv(fd, line, sizeof line, 0); /* until the other side leaves */
}

static void answer(int fd) {
    char request[REQUEST_MAX] = "", path[64] = "";
    size_t n = 0;
    while (n < sizeof request - 1 && !strstr(request, "\r\n\r\n")) {
        ssize_t got = recv(fd, request + n, sizeof request - 1 - n, 0);
        if (got <= 0) return;
        n += (size_t)got;
        request[n] = '\0';
    }
    if (sscanf(request, "GET %63s", path) != 1) return;
    for (size_t i = 0; i < sizeof manners / sizeof *manners; i++)
        if (strcmp(path, manners[i].path) == 0) {
            serve(fd, i, request);
            return;
        }
    if (strcmp(path, "/babble") == 0) {
        send_text(fd, "220 mail is served here\r\n");
        return;
    }
    const char *status = "404 Not Found";
    if (strcmp(path, "/loop") == 0) status = "302 Found\r\nLocation: /loop";
    if (strcmp(path, "/hop") == 0) status = "302 Found\r\nETag: \"hop\"\r\nLocation: /good";
    if (strcmp(path, "/file") == 0) status = "302 Found\r\nLocation: file:///etc/hostname";
    if (strcmp(path, "/done") == 0) status = "416 Range Not Satisfiable";
    if (strcmp(path, "/busy") == 0) status = "503 Service Unavailable";
    char line[128];
    (void)snprintf(line, sizeof line,
            "HTTP/1.1 %s\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwait", status);
    send_text(fd, line);
}

int bad_server_start(bad_server *out) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (fd < 0) return -1;
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 8) ||
            getsockname(fd, (struct sockaddr *)&at, &size)) {
        close(fd);
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            int client = accept(fd, NULL, NULL);
            if (client < 0) _exit(1);
            answer(client);
            close(client);
        }
    }
    close(fd);
    if (pid < 0) return -1;
    *out = (bad_server){pid, ntohs(at.sin_port)};
    return 0;
}

void bad_server_stop(bad_server *server) {
    kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
}
