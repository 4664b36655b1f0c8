/* churn CONNINFO THREADS SECONDS: connect, SELECT 1, close, again. Prints: per_second p50_us p99_us count failed */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { KEPT = 1 << 20, MAX_THREADS = 256 };

static char *conninfo;
static double end, latency[KEPT];
static int done, failed;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void *work(void *unused) {
    (void)unused;
    while (now() < end) {
        double begun = now();
        PGconn *connection = PQconnectdb(conninfo);
        int ok = PQstatus(connection) == CONNECTION_OK;
        if (ok) {
            PGresult *answer = PQexec(connection, "select 1");
            ok = PQresultStatus(answer) == PGRES_TUPLES_OK;
            PQclear(answer);
        }
        if (!ok && !__sync_fetch_and_add(&failed, 1)) fputs(PQerrorMessage(connection), stderr);
        PQfinish(connection);
        if (ok) latency[__sync_fetch_and_add(&done, 1) & (KEPT - 1)] = now() - begun;
    }
    return NULL;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int count, char **arguments) {
    if (count != 4) return 64;
    conninfo = arguments[1];
    int threads = atoi(arguments[2]);
    if (threads < 1 || threads > MAX_THREADS) return 64;
    double begun = now();
    end = begun + atof(arguments[3]);
    pthread_t ids[MAX_THREADS];
    for (int i = 0; i < threads; i++) pthread_create(ids + i, NULL, work, NULL);
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    double took = now() - begun;
    if (!done) return 1;
    qsort(latency, (size_t)done, sizeof *latency, compare);
    printf("%.2f %.0f %.0f %d %d\n", done / took, latency[done / 2] * 1e6, latency[(int)(done * .99)] * 1e6, done, failed);
    return 0;
}
