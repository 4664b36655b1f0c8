/* drain CONNINFO SQL: runs SQL and discards the answer, so that the client costs as little as it can.
 * libpq makes the connection; the answer is then read from the socket and only its frames are looked at.
 * Prints: seconds bytes rows MB/s first_row_ms */
#include <arpa/inet.h>
#include <errno.h>
#include <libpq-fe.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static SSL *tls;
static int fd;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void wait_for(short events) {
    struct pollfd p = {fd, events, 0};
    poll(&p, 1, -1);
}

static ssize_t read_some(void *buffer, size_t size) {
    for (;;) {
        if (tls) {
            int got = SSL_read(tls, buffer, (int)size);
            if (got > 0) return got;
            int error = SSL_get_error(tls, got);
            if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return -1;
            wait_for(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT);
        } else {
            ssize_t got = read(fd, buffer, size);
            if (got > 0) return got;
            if (got == 0 || (errno != EAGAIN && errno != EINTR)) return -1;
            wait_for(POLLIN);
        }
    }
}

static int write_all(const char *bytes, size_t size) {
    while (size) {
        ssize_t sent = tls ? SSL_write(tls, bytes, (int)size) : write(fd, bytes, size);
        if (sent <= 0) {
            if (!tls && errno != EAGAIN && errno != EINTR) return -1;
            wait_for(POLLOUT);
            continue;
        }
        bytes += sent;
        size -= (size_t)sent;
    }
    return 0;
}

int main(int count, char **arguments) {
    if (count != 3) return 64;
    PGconn *connection = PQconnectdb(arguments[1]);
    if (PQstatus(connection) != CONNECTION_OK) {
        fputs(PQerrorMessage(connection), stderr);
        return 1;
    }
    tls = PQsslStruct(connection, "OpenSSL");
    fd = PQsocket(connection);
    size_t length = strlen(arguments[2]);
    char *query = malloc(length + 6);
    unsigned framed = htonl((unsigned)length + 5);
    query[0] = 'Q';
    memcpy(query + 1, &framed, 4);
    memcpy(query + 5, arguments[2], length + 1);
    static unsigned char buffer[1 << 18];
    double begun = now(), first = 0;
    long bytes = 0, rows = 0, skip = 0;
    unsigned char head[5];
    int have = 0, done = 0, failed = 0;
    char tag = 0;
    if (write_all(query, length + 6)) return 1;
    while (!done) {
        ssize_t got = read_some(buffer, sizeof buffer);
        if (got < 0) {
            fputs("connection lost\n", stderr);
            return 1;
        }
        bytes += got;
        for (unsigned char *at = buffer, *end = buffer + got; at < end;) {
            if (skip) {
                long part = end - at < skip ? end - at : skip;
                if (failed) fwrite(at, 1, (size_t)part, stderr);
                at += part;
                skip -= part;
                if (!skip && tag == 'Z') done = 1;
                continue;
            }
            head[have++] = *at++;
            if (have < 5) continue;
            have = 0;
            tag = (char)head[0];
            skip = ((long)head[1] << 24 | head[2] << 16 | head[3] << 8 | head[4]) - 4;
            if (tag == 'D' || tag == 'd') {
                rows++;
                if (first == 0) first = now() - begun;
            }
            if (tag == 'E') failed = 1;
        }
    }
    if (failed) return 2;
    double took = now() - begun;
    printf("%.4f %ld %ld %.1f %.2f\n", took, bytes, rows, bytes / took / 1e6, first * 1e3);
    return 0;
}
