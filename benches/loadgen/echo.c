/* Answers frames from one thread and one epoll: the floor under every server, and the server that all clients are
 * measured against.
 *
 *   echo HOST PORT same     sends back what comes, bytes for bytes
 *   echo HOST PORT reply    sends back each framed Binary call of `echo` as its reply
 *
 * Ends with a message and status 1 when it cannot go on. It serves until it is killed. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 1 << 17, MAX_EVENTS = 256, KIND = 7, FIELD = 22, SHORTEST = 24, REPLY = 2 };

struct connection {
    int socket;
    size_t held;
    char data[ROOM];
};

static void fail(const char *what) {
    fprintf(stderr, "echo: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static int listen_at(const char *host, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1, handle = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (handle < 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1) fail("bad address");
    if (setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)) fail("SO_REUSEADDR");
    if (bind(handle, (struct sockaddr *)&address, sizeof address) || listen(handle, 1024)) fail("listen");
    return handle;
}

static void accept_all(int listener, int poll) {
    int handle, on = 1;
    while ((handle = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *connection = malloc(sizeof *connection);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (!connection || setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)) fail("accept");
        connection->socket = handle;
        connection->held = 0;
        if (epoll_ctl(poll, EPOLL_CTL_ADD, handle, &event)) fail("epoll");
    }
}

/* Turns the whole frames at the start of `data` into replies and returns how many bytes they have. */
static size_t answer(char *data, size_t held) {
    size_t start = 0;
    while (held - start >= 4) {
        uint32_t length;
        memcpy(&length, data + start, sizeof length);
        size_t whole = 4 + (size_t)ntohl(length);
        if (whole < SHORTEST || whole > ROOM) errno = 0, fail("not a frame of this benchmark");
        if (held - start < whole) break;
        data[start + KIND] = REPLY;
        data[start + FIELD] = 0;
        start += whole;
    }
    return start;
}

/* The replies of all calls in flight fit into a socket's buffer, so they go out whole. */
static int serve(struct connection *connection, int is_reply) {
    ssize_t got = recv(connection->socket, connection->data + connection->held, ROOM - connection->held, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
    if (got <= 0) return 0;
    connection->held += (size_t)got;
    size_t ready = is_reply ? answer(connection->data, connection->held) : connection->held;
    if (ready && send(connection->socket, connection->data, ready, MSG_NOSIGNAL) != (ssize_t)ready) return 0;
    connection->held -= ready;
    memmove(connection->data, connection->data + ready, connection->held);
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 4) fail("usage: echo HOST PORT same|reply");
    int is_reply = strcmp(argv[3], "reply") == 0;
    int listener = listen_at(argv[1], atoi(argv[2])), poll = epoll_create1(0);
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = NULL};
    if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &wanted)) fail("epoll");
    for (;;) {
        struct epoll_event events[MAX_EVENTS];
        int ready = epoll_wait(poll, events, MAX_EVENTS, -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!connection) {
                accept_all(listener, poll);
            } else if (!serve(connection, is_reply)) {
                close(connection->socket);
                free(connection);
            }
        }
    }
}
