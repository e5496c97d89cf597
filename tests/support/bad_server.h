/* bad_server.h - an HTTP server on 127.0.0.1 that misbehaves as it is told to, in a process of its
 * own. Paths choose the manner; every one would serve the same file of `SIZE` bytes, byte i being
 * i * 7 + i / 251. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_TESTS_SUPPORT_BAD_SERVER_H
#define SG_TESTS_SUPPORT_BAD_SERVER_H

#include <stddef.h>
#include <sys/types.h>

enum { BAD_SERVER_SIZE = 300000 };

/*   /good       as it should be: Range, If-Range, ETag "one"
 *   /plain      whole file whatever is asked, no ETag
 *   /changed    like good with ETag "two"
 *   /loop       redirect to itself            /hop    redirect to /good
 *   /cut        announces all, closes after half (of the range); takes Range
 *   /cutplain   the same, ignores Range
 *   /slow       stops in the middle and keeps the connection
 *   /wrong      one byte is another           /huge   more than it should be, without a length
 *   /shifted    answers 206 with another range
 *   /file       redirect to a file:// address   /babble speaks no HTTP
 *   /never      416 to every range            /done   416 always
 *   /busy       503                           else 404 */
typedef struct bad_server {
    pid_t pid;
    int port;
} bad_server;

int bad_server_start(bad_server *out); /* 0 on success */
void bad_server_stop(bad_server *server);
unsigned char bad_server_byte(size_t i);

#endif
