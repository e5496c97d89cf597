/* protobuf.c - see protobuf.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/protobuf.h"
#include <string.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static void put_varint(sg_str *out, uint64_t value) {
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        sg_str_append_n(out, &byte, 1);
        value >>= 7;
    } while (value);
}

static void put_key(sg_str *out, int field, int wire) {
    put_varint(out, (uint64_t)field << 3 | (uint64_t)wire);
}

static void put_little_endian(sg_str *out, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i));
        sg_str_append_n(out, &byte, 1);
    }
}

void sg_pb_put_int(sg_str *out, int field, int64_t value) {
    put_key(out, field, WIRE_VARINT);
    put_varint(out, (uint64_t)value);
}

void sg_pb_put_float(sg_str *out, int field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(out, field, WIRE_32);
    put_little_endian(out, bits, 4);
}

void sg_pb_put_double(sg_str *out, int field, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(out, field, WIRE_64);
    put_little_endian(out, bits, 8);
}

void sg_pb_put_head(sg_str *out, int field, uint64_t size) {
    put_key(out, field, WIRE_BYTES);
    put_varint(out, size);
}

void sg_pb_put_bytes(sg_str *out, int field, const void *data, size_t size) {
    sg_pb_put_head(out, field, size);
    sg_str_append_n(out, data, size);
}

void sg_pb_put_text(sg_str *out, int field, const char *text) {
    sg_pb_put_bytes(out, field, text, strlen(text));
}

void sg_pb_put_message(sg_str *out, int field, sg_str *child) {
    if (child->failed)
        out->failed = true;
    else
        sg_pb_put_bytes(out, field, child->data, child->len);
    sg_str_dispose(child);
}
