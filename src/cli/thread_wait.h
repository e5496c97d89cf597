/* thread_wait.h - how long threads spin before they sleep. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_THREAD_WAIT_H
#define SG_CLI_THREAD_WAIT_H

/* Left to itself, OpenMP lets threads that wait for one another spin for milliseconds, which on a
 * machine that does other work takes from the very threads they wait for. libgomp reads the bound
 * from the environment, once, when it is loaded; so unless the user has said how to wait
 * (OMP_WAIT_POLICY, GOMP_SPINCOUNT) this sets a short bound and starts the program anew in its
 * place, with the same arguments and process number. Returns where that was not needed or not
 * possible. Measured: docs/performance.md. */
void sg_thread_wait_bound(char **argv);

/* "GOMP_SPINCOUNT=10000" or what else the environment says; a static text or one of `environ`. */
const char *sg_thread_wait_setting(void);

#endif
