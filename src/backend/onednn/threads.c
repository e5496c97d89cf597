/* threads.c - our own loops on the threads that oneDNN already keeps (OpenMP through libgomp), so
 * that two pools never compete for the processors. The few functions of the OpenMP runtime that
 * this takes are declared here: no compiler flag, and gcc and clang meet the same runtime.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/onednn/internal.h"

/* The runtime's interface to compiled `#pragma omp parallel` (libgomp's ABI; LLVM's has it, too).
 */
void GOMP_parallel(void (*body)(void *), void *user, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
void omp_set_num_threads(int threads);

typedef struct team_job {
    sg_backend_body body;
    const void *user;
    int64_t n, grain;
} team_job;

void sg_dnn_threads_set(int threads) {
    omp_set_num_threads(threads);
}

int sg_dnn_thread(void) {
    return omp_get_thread_num();
}

static void run_piece(void *user) {
    const team_job *job = user;
    int64_t grains = (job->n + job->grain - 1) / job->grain;
    int64_t me = omp_get_thread_num(), team = omp_get_num_threads();
    int64_t begin = grains * me / team * job->grain, end = grains * (me + 1) / team * job->grain;
    if (end > job->n) end = job->n;
    if (begin < end) job->body(job->user, begin, end);
}

void sg_dnn_parallel(
        int threads, int64_t n, int64_t grain, sg_backend_body body, const void *user) {
    if (threads <= 1 || n <= grain) {
        if (n > 0) body(user, 0, n);
        return;
    }
    team_job job = {body, user, n, grain};
    GOMP_parallel(run_piece, &job, (unsigned)threads, 0);
}
