/* pickle.h - a machine for the few pickle opcodes of which PyTorch's state dicts are made.
 *
 * Nothing is executed: a global is one of a fixed table (ordered dictionary, tensor rebuilding,
 * storage types) or an error that names it, and "calling" one only writes down a node. Nodes and
 * their links lie in two flat pools with a hard limit, so hostile input costs little memory and no
 * recursion. Text is borrowed from the input. Opcodes: pickle protocol 2 (PEP 307).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_WEIGHTS_PICKLE_H
#define SG_WEIGHTS_PICKLE_H

#include "tensor/tensor.h"

typedef enum sg_pickle_kind {
    SG_PICKLE_NONE,
    SG_PICKLE_BOOL,    /* number */
    SG_PICKLE_INT,     /* number */
    SG_PICKLE_FLOAT,   /* value not kept */
    SG_PICKLE_TEXT,    /* text, length */
    SG_PICKLE_TUPLE,   /* items */
    SG_PICKLE_LIST,    /* items */
    SG_PICKLE_DICT,    /* items: key, value, key, value... */
    SG_PICKLE_GLOBAL,  /* number: row of the table */
    SG_PICKLE_STORAGE, /* dtype, number = elements, text = key */
    SG_PICKLE_TENSOR   /* number = offset in elements, items: storage, sizes, strides */
} sg_pickle_kind;

typedef struct sg_pickle_node {
    sg_pickle_kind kind;
    sg_dtype dtype;
    int64_t number;
    const char *text; /* not terminated */
    uint32_t length;
    int32_t first, last; /* links, -1 = none */
    uint32_t count;      /* of items */
} sg_pickle_node;

typedef struct sg_pickle_link {
    int32_t node, next; /* next: -1 at the end */
} sg_pickle_link;

typedef struct sg_pickle {
    sg_pickle_node *nodes;
    sg_pickle_link *links;
    size_t node_count, node_cap, link_count, link_cap;
    int32_t root;
} sg_pickle;

/* Reads one pickle from the start of bytes[size]; *used: its length with the closing STOP. `path`
 * is what errors call it. SG_ERR_FORMAT, SG_ERR_INPUT (an opcode or global that state dicts
 * do not need, named), SG_ERR_MEMORY. */
SG_MUST_CHECK sg_status sg_pickle_parse(sg_pickle *out, size_t *used, const uint8_t *bytes,
        size_t size, const char *path, sg_error *err);
void sg_pickle_dispose(sg_pickle *pickle); /* NULL-safe */

const sg_pickle_node *sg_pickle_root(const sg_pickle *pickle);
/* Item n of a container, or NULL. Walking: link = node->first; link >= 0; link = links[link].next.
 */
const sg_pickle_node *sg_pickle_item(
        const sg_pickle *pickle, const sg_pickle_node *node, uint32_t n);
/* Value under a text key of a dict, or NULL. */
const sg_pickle_node *sg_pickle_get(
        const sg_pickle *pickle, const sg_pickle_node *dict, const char *key);
bool sg_pickle_is_text(const sg_pickle_node *node, const char *text);

#endif
