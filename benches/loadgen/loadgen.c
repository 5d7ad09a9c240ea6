/* Replays one captured request over many connections, one outstanding on each, and checks every reply.
 *
 *   loadgen HOST PORT REQUEST REPLY CONNECTIONS SECONDS
 *
 * REQUEST and REPLY are files with the exact bytes of a request and of its reply. Prints one line of JSON:
 * {"requests": n, "calls": n, "seconds": s, "p50_us": x, "p99_us": y, "p999_us": z}. A reply that differs, a closed
 * connection, or five seconds without any reply ends it with a message and status 1. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_BYTES = 1 << 20, MAX_SAMPLES = 1 << 22, MAX_EVENTS = 256, SILENCE_MS = 5000 };

struct bytes {
    size_t length;
    char *data;
};

struct connection {
    int socket;
    size_t received;
    uint64_t started;
    char *reply;
};

static struct bytes request, reply;
static uint32_t *samples;
static size_t sampled, answered;

static void fail(const char *what) {
    fprintf(stderr, "loadgen: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static struct bytes read_file(const char *path) {
    struct bytes bytes = {0, malloc(MAX_BYTES)};
    FILE *file = fopen(path, "rb");
    if (!file || !bytes.data) fail(path);
    bytes.length = fread(bytes.data, 1, MAX_BYTES, file);
    fclose(file);
    if (bytes.length == 0 || bytes.length == MAX_BYTES) fail("a message is empty or too large");
    return bytes;
}

static int connect_to(const char *host, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1, handle = socket(AF_INET, SOCK_STREAM, 0);
    if (handle < 0 || inet_pton(AF_INET, host, &address.sin_addr) != 1) fail("bad address");
    if (connect(handle, (struct sockaddr *)&address, sizeof address)) fail("connect");
    if (setsockopt(handle, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)) fail("TCP_NODELAY");
    if (fcntl(handle, F_SETFL, O_NONBLOCK)) fail("O_NONBLOCK");
    return handle;
}

/* One request is far smaller than a socket's buffer and nothing else is in it, so it goes out whole or not at all. */
static void send_request(struct connection *connection) {
    connection->received = 0;
    connection->started = now();
    if (send(connection->socket, request.data, request.length, MSG_NOSIGNAL) != (ssize_t)request.length) fail("send");
}

/* Returns whether a whole reply is there. */
static int receive_reply(struct connection *connection) {
    char *space = connection->reply + connection->received;
    ssize_t got = recv(connection->socket, space, reply.length + 1 - connection->received, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (got < 0) fail("receive");
    if (got == 0) errno = 0, fail("the server closed a connection");
    connection->received += (size_t)got;
    if (connection->received < reply.length) return 0;
    errno = 0;
    if (connection->received > reply.length || memcmp(connection->reply, reply.data, reply.length))
        fail("a reply differs from what was expected");
    answered++;
    if (sampled < MAX_SAMPLES) samples[sampled++] = (uint32_t)(now() - connection->started);
    return 1;
}

static int by_size(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

int main(int argc, char **argv) {
    if (argc != 7) fail("usage: loadgen HOST PORT REQUEST REPLY CONNECTIONS SECONDS");
    request = read_file(argv[3]);
    reply = read_file(argv[4]);
    int count = atoi(argv[5]), poll = epoll_create1(0), waiting = 0;
    uint64_t length = (uint64_t)(atof(argv[6]) * 1e9);
    if (count < 1 || count > 10000 || poll < 0) fail("bad number of connections");
    struct connection *connections = calloc((size_t)count, sizeof *connections);
    samples = malloc(MAX_SAMPLES * sizeof *samples);
    if (!connections || !samples) fail("memory");
    for (int i = 0; i < count; i++) {
        connections[i].socket = connect_to(argv[1], atoi(argv[2]));
        connections[i].reply = malloc(reply.length + 1);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        if (!connections[i].reply || epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].socket, &event)) fail("epoll");
    }
    uint64_t start = now();
    for (int i = 0; i < count; i++, waiting++) send_request(&connections[i]);
    while (waiting > 0) {
        struct epoll_event events[MAX_EVENTS];
        int ready = epoll_wait(poll, events, MAX_EVENTS, SILENCE_MS);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) errno = 0, fail("no reply for five seconds");
        for (int i = 0; i < ready; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!receive_reply(connection)) continue;
            if (now() - start < length) send_request(connection);
            else waiting--;
        }
    }
    double seconds = (double)(now() - start) / 1e9;
    qsort(samples, sampled, sizeof *samples, by_size);
    printf("{\"requests\": %zu, \"calls\": %zu, \"seconds\": %.6f, ", answered, answered, seconds);
    printf("\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f}\n", samples[sampled / 2] / 1e3,
           samples[sampled * 99 / 100] / 1e3, samples[sampled * 999 / 1000] / 1e3);
    return 0;
}
