/* thread.h - a fixed pool of worker threads for our own loops: image operations, loading,
 * statistics. Plans run on the calling thread with oneDNN's own threads; the pool never calls
 * oneDNN. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_THREAD_H
#define SG_BASE_THREAD_H

#include "sonograde/error.h"
#include <signal.h>
#include <stddef.h>

typedef struct sg_pool sg_pool;

/* threads: workers besides the caller; 0 runs everything on the caller. */
SG_MUST_CHECK sg_status sg_pool_create(sg_pool **out, int threads, sg_error *err);
void sg_pool_destroy(sg_pool *pool); /* waits for running work */
int sg_pool_size(const sg_pool *pool);
/* From now on loops of this pool end with SG_ERR_INTERRUPTED, between two items, once *stop is not
 * 0. `stop` must outlive the pool; NULL = never. */
void sg_pool_set_stop(sg_pool *pool, const volatile sig_atomic_t *stop);

/* Runs body(user, i) for i in [0, n), in any order, the caller helping; returns when all are done.
 * The first failure (lowest i among those seen) is returned and stops the handing out of further
 * items. A NULL pool runs in order on the caller. Not reentrant from inside a body. */
typedef sg_status (*sg_pool_body)(void *user, size_t i, sg_error *err);
SG_MUST_CHECK sg_status sg_pool_for(
        sg_pool *pool, size_t n, sg_pool_body body, void *user, sg_error *err);

/* The calling thread, and it alone, gives way to the process's other threads from now on (five nice
 * levels). Where the system has no such thing for threads nothing happens. */
void sg_thread_step_back(void);

int sg_cpu_count(void); /* processors this process may use (affinity and cgroup quota), >= 1 */

#endif
