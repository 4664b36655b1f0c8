/* idle CONNINFO N [SQL]: opens N sessions (running SQL once on each when given), prints "SECONDS FAILED", and holds
 * them until its input closes. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    if (count < 3) return 64;
    int wanted = atoi(arguments[2]), failed = 0;
    double begun = now();
    for (int i = 0; i < wanted; i++) {
        PGconn *connection = PQconnectdb(arguments[1]);
        if (PQstatus(connection) != CONNECTION_OK) {
            if (!failed++) fputs(PQerrorMessage(connection), stderr);
            continue;
        }
        if (count > 3) PQclear(PQexec(connection, arguments[3]));
    }
    printf("%.2f %d\n", now() - begun, failed);
    fflush(stdout);
    while (getchar() != EOF) {
    }
    return 0;
}
