/* protobuf.h - writing protocol buffers by hand: the wire format of
 * protobuf.dev/programming-guides/encoding, field by field, appended to a buffer. Messages are made
 * inside out: a child is written into a buffer of its own and then put into its parent.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_BASE_PROTOBUF_H
#define SG_BASE_PROTOBUF_H

#include "base/str.h"
#include <stdint.h>

void sg_pb_put_int(sg_str *out, int field, int64_t value); /* int32, int64, enum, bool */
void sg_pb_put_float(sg_str *out, int field, float value);
void sg_pb_put_double(sg_str *out, int field, double value);
void sg_pb_put_text(sg_str *out, int field, const char *text);
void sg_pb_put_bytes(sg_str *out, int field, const void *data, size_t size);
/* Puts the child's bytes and disposes of it; a child that failed makes `out` fail. */
void sg_pb_put_message(sg_str *out, int field, sg_str *child);
/* Only the head of a field of `size` bytes, for content that is written elsewhere. */
void sg_pb_put_head(sg_str *out, int field, uint64_t size);

#endif
