/* thread.c - the pool: workers sleep until a loop is posted, take indices from one atomic counter,
 * and the caller takes part. One loop at a time. SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct sg_pool {
    pthread_mutex_t mutex;
    pthread_cond_t posted; /* a loop was posted, or the pool closes */
    pthread_cond_t idle;   /* the last worker left the loop */
    pthread_t *threads;
    int size;
    const volatile sig_atomic_t *stop; /* may be NULL */

    /* The loop in progress; guarded by mutex but for `next`. */
    uint64_t ticket; /* raised with every loop, so that a worker enters each once */
    int working;
    bool closing;
    size_t n;
    sg_pool_body body;
    void *user;
    atomic_size_t next;
    size_t failed_item;
    sg_status failed_status; /* SG_OK = none so far */
    sg_error failed_error;
};

static void note_failure(sg_pool *pool, size_t item, sg_status status, const sg_error *error) {
    pthread_mutex_lock(&pool->mutex);
    if (pool->failed_status == SG_OK || item < pool->failed_item) {
        pool->failed_item = item;
        pool->failed_status = status;
        pool->failed_error = *error;
    }
    pthread_mutex_unlock(&pool->mutex);
    atomic_store(&pool->next, pool->n);
}

static sg_status check_stop(const sg_pool *pool, sg_error *err) {
    if (!pool || !pool->stop || !*pool->stop) return SG_OK;
    return sg_fail(err, SG_ERR_INTERRUPTED, "stopped by a signal before the work was done");
}

static void take_items(sg_pool *pool) {
    for (;;) {
        size_t item = atomic_load(&pool->next);
        do {
            if (item >= pool->n) return;
        } while (!atomic_compare_exchange_weak(&pool->next, &item, item + 1));
        sg_error error = SG_ERROR_INIT;
        sg_status status = check_stop(pool, &error);
        if (!status) status = pool->body(pool->user, item, &error);
        if (status) note_failure(pool, item, status, &error);
    }
}

static void *work(void *argument) {
    sg_pool *pool = argument;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (!pool->closing && pool->ticket == seen)
            pthread_cond_wait(&pool->posted, &pool->mutex);
        if (pool->closing) break;
        seen = pool->ticket;
        pthread_mutex_unlock(&pool->mutex);
        take_items(pool);
        pthread_mutex_lock(&pool->mutex);
        if (--pool->working == 0) pthread_cond_signal(&pool->idle);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

sg_status sg_pool_create(sg_pool **out, int threads, sg_error *err) {
    if (threads < 0 || threads > 1024)
        return sg_fail(
                err, SG_ERR_USAGE, "a pool of %d threads: give a number from 0 to 1024", threads);
    sg_pool *pool = calloc(1, sizeof *pool);
    if (pool) pool->threads = calloc((size_t)threads + 1, sizeof *pool->threads);
    if (!pool || !pool->threads) {
        free(pool);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for a pool of %d threads", threads);
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->posted, NULL);
    pthread_cond_init(&pool->idle, NULL);
    for (; pool->size < threads; pool->size++) {
        if (pthread_create(&pool->threads[pool->size], NULL, work, pool)) {
            sg_pool_destroy(pool);
            return sg_fail(err, SG_ERR_MEMORY,
                    "the system refused to start thread %d of %d; ask for fewer", pool->size + 1,
                    threads);
        }
    }
    *out = pool;
    return SG_OK;
}

void sg_pool_destroy(sg_pool *pool) {
    if (!pool) return;
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pthread_cond_broadcast(&pool->posted);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->size; i++) pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->idle);
    pthread_cond_destroy(&pool->posted);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->threads);
    free(pool);
}

int sg_pool_size(const sg_pool *pool) {
    return pool ? pool->size : 0;
}

void sg_pool_set_stop(sg_pool *pool, const volatile sig_atomic_t *stop) {
    pool->stop = stop;
}

static sg_status run_here(
        const sg_pool *pool, size_t n, sg_pool_body body, void *user, sg_error *err) {
    for (size_t i = 0; i < n; i++) {
        sg_status status = check_stop(pool, err);
        if (!status) status = body(user, i, err);
        if (status) return status;
    }
    return SG_OK;
}

sg_status sg_pool_for(sg_pool *pool, size_t n, sg_pool_body body, void *user, sg_error *err) {
    if (!pool || pool->size == 0 || n < 2) return run_here(pool, n, body, user, err);
    pthread_mutex_lock(&pool->mutex);
    pool->n = n;
    pool->body = body;
    pool->user = user;
    pool->failed_status = SG_OK;
    atomic_store(&pool->next, 0);
    pool->working = pool->size;
    pool->ticket++;
    pthread_cond_broadcast(&pool->posted);
    pthread_mutex_unlock(&pool->mutex);
    take_items(pool);
    pthread_mutex_lock(&pool->mutex);
    while (pool->working > 0) pthread_cond_wait(&pool->idle, &pool->mutex);
    sg_status status = pool->failed_status;
    if (status && err) *err = pool->failed_error;
    pthread_mutex_unlock(&pool->mutex);
    return status;
}

void sg_thread_step_back(void) {
#if defined(__linux__) /* where a priority belongs to a thread, under the thread's own number */
    enum { LEVELS = 5 };
    id_t self = (id_t)gettid();
    (void)setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + LEVELS);
#endif
}

/* Whole processors that the control group grants, or 0 where it sets no limit. */
static long cgroup_cpus(void) {
    long quota = 0, period = 0;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (f) {
        if (fscanf(f, "%ld %ld", &quota, &period) != 2) quota = 0;
        fclose(f);
    } else if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re"))) {
        if (fscanf(f, "%ld", &quota) != 1) quota = 0;
        fclose(f);
        if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "re"))) {
            if (fscanf(f, "%ld", &period) != 1) period = 0;
            fclose(f);
        }
    }
    return quota > 0 && period > 0 ? (quota + period - 1) / period : 0;
}

int sg_cpu_count(void) {
    cpu_set_t set;
    long count = 1;
    if (sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
    long granted = cgroup_cpus();
    if (granted > 0 && granted < count) count = granted;
    return count < 1 ? 1 : (int)count;
}
