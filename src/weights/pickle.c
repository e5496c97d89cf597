/* pickle.c - see pickle.h. A stack of node numbers, a memo, and one short action per opcode.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/pickle.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

/* Far beyond any state dict (a ResNet-50 has about 8000 nodes), small beside any machine. */
enum { POOL_MAX = 1 << 18, NAME_SHOWN = 120 };

enum {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_BINFLOAT = 'G',
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_BININT2 = 'M',
    OP_NONE = 'N',
    OP_BINPERSID = 'Q',
    OP_REDUCE = 'R',
    OP_BINSTRING = 'T',
    OP_SHORT_BINSTRING = 'U',
    OP_BINUNICODE = 'X',
    OP_EMPTY_LIST = ']',
    OP_APPEND = 'a',
    OP_BUILD = 'b',
    OP_GLOBAL = 'c',
    OP_APPENDS = 'e',
    OP_BINGET = 'h',
    OP_LONG_BINGET = 'j',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_SETITEM = 's',
    OP_TUPLE = 't',
    OP_SETITEMS = 'u',
    OP_EMPTY_DICT = '}',
    OP_EMPTY_TUPLE = ')',
    OP_PROTO = 0x80,
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_TUPLE3 = 0x87,
    OP_NEWTRUE = 0x88,
    OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8a
};

typedef enum { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, STORAGE_TYPE } global_role;

static const struct {
    const char *name;
    global_role role;
    sg_dtype dtype;
} globals[] = {
        {"collections.OrderedDict", ORDERED_DICT, SG_F32},
        {"torch._utils._rebuild_tensor", REBUILD_TENSOR, SG_F32},
        {"torch._utils._rebuild_tensor_v2", REBUILD_TENSOR, SG_F32},
        {"torch._utils._rebuild_parameter", REBUILD_PARAMETER, SG_F32},
        {"torch.FloatStorage", STORAGE_TYPE, SG_F32},
        {"torch.DoubleStorage", STORAGE_TYPE, SG_F64},
        {"torch.HalfStorage", STORAGE_TYPE, SG_F16},
        {"torch.BFloat16Storage", STORAGE_TYPE, SG_BF16},
        {"torch.LongStorage", STORAGE_TYPE, SG_I64},
        {"torch.IntStorage", STORAGE_TYPE, SG_I32},
        {"torch.ShortStorage", STORAGE_TYPE, SG_I16},
        {"torch.CharStorage", STORAGE_TYPE, SG_I8},
        {"torch.ByteStorage", STORAGE_TYPE, SG_U8},
        {"torch.BoolStorage", STORAGE_TYPE, SG_BOOL},
};
enum { GLOBALS = sizeof globals / sizeof *globals };

typedef struct machine {
    sg_pickle *p;
    const uint8_t *at, *end;
    int32_t *stack; /* node numbers; -1 is a mark */
    size_t depth, stack_cap;
    int32_t *memo;
    size_t memo_count, memo_cap;
    const char *path;
} machine;

enum { MARK = -1 };

static sg_status bad(const machine *m, const char *what, sg_error *err) {
    return sg_fail(err, SG_ERR_FORMAT, "%s: its pickle is damaged: %s", m->path, what);
}

static sg_status push(machine *m, int32_t node, sg_error *err) {
    if (m->depth >= POOL_MAX) return bad(m, "it is nested beyond any state dict", err);
    sg_status st = sg_grow(&m->stack, &m->stack_cap, m->depth + 1, sizeof *m->stack, err);
    if (!st) m->stack[m->depth++] = node;
    return st;
}

static sg_status push_new(machine *m, sg_pickle_node node, sg_error *err) {
    sg_pickle *p = m->p;
    if (p->node_count >= POOL_MAX) return bad(m, "it holds more than any state dict", err);
    sg_status st = sg_grow(&p->nodes, &p->node_cap, p->node_count + 1, sizeof *p->nodes, err);
    if (st) return st;
    node.first = node.last = -1;
    p->nodes[p->node_count] = node;
    return push(m, (int32_t)p->node_count++, err);
}

static sg_status push_kind(machine *m, sg_pickle_kind kind, int64_t number, sg_error *err) {
    return push_new(m, (sg_pickle_node){.kind = kind, .number = number}, err);
}

/* The top of the stack, taken off. */
static sg_status pop(machine *m, int32_t *node, sg_error *err) {
    if (m->depth == 0 || m->stack[m->depth - 1] == MARK)
        return bad(m, "it takes a value that is not there", err);
    *node = m->stack[--m->depth];
    return SG_OK;
}

static sg_status append(machine *m, int32_t to, int32_t item, sg_error *err) {
    sg_pickle *p = m->p;
    if (p->link_count >= POOL_MAX) return bad(m, "it holds more than any state dict", err);
    sg_status st = sg_grow(&p->links, &p->link_cap, p->link_count + 1, sizeof *p->links, err);
    if (st) return st;
    int32_t link = (int32_t)p->link_count++;
    p->links[link] = (sg_pickle_link){item, -1};
    sg_pickle_node *node = &p->nodes[to];
    if (node->last >= 0)
        p->links[node->last].next = link;
    else
        node->first = link;
    node->last = link;
    node->count++;
    return SG_OK;
}

/* Index behind the topmost mark. */
static sg_status find_mark(const machine *m, size_t *first, sg_error *err) {
    size_t i = m->depth;
    while (i > 0 && m->stack[i - 1] != MARK) i--;
    if (i == 0) return bad(m, "a mark is missing", err);
    *first = i;
    return SG_OK;
}

/* The stack's items from `first` go into container `to`; they and what lies below down to `depth`
 * are taken off. */
static sg_status collect(machine *m, int32_t to, size_t first, size_t depth, sg_error *err) {
    sg_status st = SG_OK;
    for (size_t i = first; i < m->depth && !st; i++) st = append(m, to, m->stack[i], err);
    m->depth = depth;
    return st;
}

static sg_status make_tuple(machine *m, size_t first, size_t depth, sg_error *err) {
    size_t top = m->depth;
    sg_status st = push_kind(m, SG_PICKLE_TUPLE, 0, err);
    if (st) return st;
    int32_t tuple = m->stack[top];
    m->depth = top;
    for (size_t i = first; i < top; i++)
        if (m->stack[i] == MARK) return bad(m, "a mark stands inside a tuple", err);
    st = collect(m, tuple, first, depth, err);
    return st ? st : push(m, tuple, err);
}

static sg_status make_short_tuple(machine *m, size_t n, sg_error *err) {
    if (m->depth < n) return bad(m, "it takes a value that is not there", err);
    return make_tuple(m, m->depth - n, m->depth - n, err);
}

/* Values behind the mark go into the list or dict below it. */
static sg_status extend(machine *m, sg_pickle_kind kind, sg_error *err) {
    size_t first = 0;
    sg_status st = find_mark(m, &first, err);
    if (st) return st;
    if (first < 2 || m->stack[first - 2] == MARK || m->p->nodes[m->stack[first - 2]].kind != kind ||
            (kind == SG_PICKLE_DICT && (m->depth - first) % 2))
        return bad(m, "items are given to something that takes none", err);
    return collect(m, m->stack[first - 2], first, first - 1, err);
}

static sg_status extend_by(machine *m, sg_pickle_kind kind, size_t n, sg_error *err) {
    for (size_t i = 1; i <= n + 1; i++)
        if (m->depth < i || m->stack[m->depth - i] == MARK)
            return bad(m, "it takes a value that is not there", err);
    int32_t to = m->stack[m->depth - n - 1];
    if (m->p->nodes[to].kind != kind)
        return bad(m, "items are given to something that takes none", err);
    return collect(m, to, m->depth - n, m->depth - n, err);
}

/* ---- operands in the input ---- */

static sg_status take(machine *m, const uint8_t **bytes, size_t n, sg_error *err) {
    if ((size_t)(m->end - m->at) < n) return bad(m, "it ends too early (truncated?)", err);
    *bytes = m->at;
    m->at += n;
    return SG_OK;
}

static sg_status take_number(machine *m, uint64_t *out, size_t n, sg_error *err) {
    const uint8_t *b = NULL;
    sg_status st = take(m, &b, n, err);
    if (st) return st;
    *out = 0;
    for (size_t i = n; i > 0; i--) *out = *out << 8 | b[i - 1];
    return SG_OK;
}

static sg_status push_text(machine *m, size_t length_bytes, sg_error *err) {
    uint64_t n = 0;
    const uint8_t *b = NULL;
    sg_status st = take_number(m, &n, length_bytes, err);
    if (!st) st = take(m, &b, (size_t)n, err);
    if (st) return st;
    return push_new(m,
            (sg_pickle_node){
                    .kind = SG_PICKLE_TEXT, .text = (const char *)b, .length = (uint32_t)n},
            err);
}

static sg_status push_integer(machine *m, size_t bytes, bool is_signed, sg_error *err) {
    uint64_t v = 0;
    sg_status st = take_number(m, &v, bytes, err);
    if (st) return st;
    if (is_signed && bytes > 0 && bytes < 8 && v >> (bytes * 8 - 1)) v |= ~0ull << bytes * 8;
    return push_kind(m, SG_PICKLE_INT, (int64_t)v, err);
}

static sg_status push_long(machine *m, sg_error *err) {
    uint64_t n = 0;
    sg_status st = take_number(m, &n, 1, err);
    if (st) return st;
    if (n > 8) return bad(m, "a whole number is beyond 64 bits", err);
    return push_integer(m, (size_t)n, true, err);
}

/* "module\nname\n" */
static sg_status push_global(machine *m, sg_error *err) {
    const uint8_t *module = m->at;
    const uint8_t *a = memchr(module, '\n', (size_t)(m->end - module));
    const uint8_t *b = a ? memchr(a + 1, '\n', (size_t)(m->end - a - 1)) : NULL;
    if (!b) return bad(m, "it ends too early (truncated?)", err);
    m->at = b + 1;
    size_t n = (size_t)(a - module), k = (size_t)(b - a - 1);
    for (int i = 0; i < GLOBALS; i++) {
        const char *name = globals[i].name;
        if (strlen(name) == n + 1 + k && memcmp(name, module, n) == 0 && name[n] == '.' &&
                memcmp(name + n + 1, a + 1, k) == 0)
            return push_kind(m, SG_PICKLE_GLOBAL, i, err);
    }
    return sg_fail(err, SG_ERR_INPUT,
            "%s asks for %.*s.%.*s, which is code and not weights, and no code is run; in PyTorch, "
            "save the state dict alone: torch.save(model.state_dict(), FILE)",
            m->path, (int)(n < NAME_SHOWN ? n : NAME_SHOWN), (const char *)module,
            (int)(k < NAME_SHOWN ? k : NAME_SHOWN), (const char *)a + 1);
}

/* ---- memo ---- */

static sg_status put(machine *m, size_t bytes, sg_error *err) {
    uint64_t n = 0;
    sg_status st = take_number(m, &n, bytes, err);
    if (st) return st;
    if (m->depth == 0 || m->stack[m->depth - 1] == MARK)
        return bad(m, "it remembers a value that is not there", err);
    /* Picklers number their memo without gaps. */
    if (n > m->memo_count || n >= POOL_MAX) return bad(m, "its memo has gaps", err);
    st = sg_grow(&m->memo, &m->memo_cap, (size_t)n + 1, sizeof *m->memo, err);
    if (st) return st;
    m->memo[n] = m->stack[m->depth - 1];
    if (n == m->memo_count) m->memo_count++;
    return SG_OK;
}

static sg_status get(machine *m, size_t bytes, sg_error *err) {
    uint64_t n = 0;
    sg_status st = take_number(m, &n, bytes, err);
    if (st) return st;
    if (n >= m->memo_count) return bad(m, "it recalls what it never remembered", err);
    return push(m, m->memo[n], err);
}

/* ---- what globals stand for ---- */

static const sg_pickle_node *item_of(
        const machine *m, const sg_pickle_node *node, uint32_t n, sg_pickle_kind kind) {
    const sg_pickle_node *item = sg_pickle_item(m->p, node, n);
    return item && item->kind == kind ? item : NULL;
}

/* ("storage", type, key, location, elements[, view]) */
static sg_status push_storage(machine *m, sg_error *err) {
    int32_t id = 0;
    sg_status st = pop(m, &id, err);
    if (st) return st;
    const sg_pickle_node *tuple = &m->p->nodes[id];
    if (tuple->kind != SG_PICKLE_TUPLE || tuple->count < 5 ||
            !sg_pickle_is_text(sg_pickle_item(m->p, tuple, 0), "storage"))
        return bad(m, "a persistent id is no storage", err);
    const sg_pickle_node *type = item_of(m, tuple, 1, SG_PICKLE_GLOBAL);
    const sg_pickle_node *key = item_of(m, tuple, 2, SG_PICKLE_TEXT);
    const sg_pickle_node *elements = item_of(m, tuple, 4, SG_PICKLE_INT);
    if (!type || globals[type->number].role != STORAGE_TYPE || !key || !elements ||
            elements->number < 0)
        return bad(m, "a storage lacks type, key or number of elements", err);
    if (tuple->count > 5 && !item_of(m, tuple, 5, SG_PICKLE_NONE))
        return sg_fail(err, SG_ERR_INPUT,
                "%s: a storage is a view into another, which PyTorch stopped writing before 1.0; "
                "load and save it again with a newer PyTorch",
                m->path);
    return push_new(m,
            (sg_pickle_node){.kind = SG_PICKLE_STORAGE,
                    .dtype = globals[type->number].dtype,
                    .number = elements->number,
                    .text = key->text,
                    .length = key->length},
            err);
}

static int32_t number_of(const machine *m, const sg_pickle_node *node, uint32_t n) {
    int32_t link = node->first;
    while (n-- && link >= 0) link = m->p->links[link].next;
    return link < 0 ? -1 : m->p->links[link].node;
}

/* (storage, offset, sizes, strides, ...) */
static sg_status push_tensor(machine *m, const sg_pickle_node *args, sg_error *err) {
    const sg_pickle_node *storage = item_of(m, args, 0, SG_PICKLE_STORAGE);
    const sg_pickle_node *offset = item_of(m, args, 1, SG_PICKLE_INT);
    if (!storage || !offset || !item_of(m, args, 2, SG_PICKLE_TUPLE) ||
            !item_of(m, args, 3, SG_PICKLE_TUPLE))
        return bad(m, "a tensor lacks storage, offset, sizes or strides", err);
    int32_t parts[3] = {number_of(m, args, 0), number_of(m, args, 2), number_of(m, args, 3)};
    sg_status st = push_new(m,
            (sg_pickle_node){
                    .kind = SG_PICKLE_TENSOR, .dtype = storage->dtype, .number = offset->number},
            err);
    int32_t tensor = st ? 0 : m->stack[m->depth - 1];
    for (int i = 0; i < 3 && !st; i++) st = append(m, tensor, parts[i], err);
    return st;
}

/* OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]). */
static sg_status push_ordered(machine *m, const sg_pickle_node *args, sg_error *err) {
    int32_t pairs = args->count ? number_of(m, args, 0) : -1;
    if (args->count > 1 || (pairs >= 0 && m->p->nodes[pairs].kind != SG_PICKLE_LIST))
        return bad(m, "a dictionary is made of something else than pairs", err);
    sg_status st = push_kind(m, SG_PICKLE_DICT, 0, err);
    if (st || pairs < 0) return st;
    int32_t dict = m->stack[m->depth - 1];
    for (int32_t link = m->p->nodes[pairs].first; link >= 0 && !st; link = m->p->links[link].next) {
        int32_t pair = m->p->links[link].node;
        if (m->p->nodes[pair].count != 2)
            return bad(m, "a dictionary is made of something else than pairs", err);
        int32_t key = number_of(m, &m->p->nodes[pair], 0);
        int32_t value = number_of(m, &m->p->nodes[pair], 1);
        st = append(m, dict, key, err);
        if (!st) st = append(m, dict, value, err);
    }
    return st;
}

static sg_status reduce(machine *m, sg_error *err) {
    int32_t args = 0, callee = 0;
    sg_status st = pop(m, &args, err);
    if (!st) st = pop(m, &callee, err);
    if (st) return st;
    const sg_pickle_node *a = &m->p->nodes[args];
    if (m->p->nodes[callee].kind != SG_PICKLE_GLOBAL || a->kind != SG_PICKLE_TUPLE)
        return bad(m, "it calls something that is no known name", err);
    switch (globals[m->p->nodes[callee].number].role) {
    case ORDERED_DICT:
        return push_ordered(m, a, err);
    case REBUILD_TENSOR:
        return push_tensor(m, a, err);
    case REBUILD_PARAMETER:
        if (!item_of(m, a, 0, SG_PICKLE_TENSOR)) break;
        return push(m, number_of(m, a, 0), err);
    case STORAGE_TYPE:
        break;
    }
    return bad(m, "it calls something that is no tensor or dictionary", err);
}

/* State set on a dictionary (its `_metadata`) says nothing about weights. */
static sg_status build(machine *m, sg_error *err) {
    int32_t state = 0;
    sg_status st = pop(m, &state, err);
    if (st) return st;
    if (m->depth == 0 || m->stack[m->depth - 1] == MARK ||
            m->p->nodes[m->stack[m->depth - 1]].kind != SG_PICKLE_DICT)
        return bad(m, "state is set on something that is no dictionary", err);
    return SG_OK;
}

/* ---- the loop ---- */

static sg_status check_protocol(machine *m, sg_error *err) {
    uint64_t v = 0;
    sg_status st = take_number(m, &v, 1, err);
    if (st || v == 2) return st;
    return sg_fail(err, SG_ERR_INPUT,
            "%s: pickle protocol %d is not read here; PyTorch writes 2 unless told otherwise",
            m->path, (int)v);
}

static sg_status step(machine *m, uint8_t op, sg_error *err) {
    const uint8_t *skipped = NULL;
    size_t first = 0;
    sg_status st;
    switch (op) {
    case OP_PROTO:
        return check_protocol(m, err);
    case OP_MARK:
        return push(m, MARK, err);
    case OP_NONE:
        return push_kind(m, SG_PICKLE_NONE, 0, err);
    case OP_NEWTRUE:
    case OP_NEWFALSE:
        return push_kind(m, SG_PICKLE_BOOL, op == OP_NEWTRUE, err);
    case OP_BININT:
        return push_integer(m, 4, true, err);
    case OP_BININT1:
        return push_integer(m, 1, false, err);
    case OP_BININT2:
        return push_integer(m, 2, false, err);
    case OP_LONG1:
        return push_long(m, err);
    case OP_BINFLOAT:
        st = take(m, &skipped, 8, err);
        return st ? st : push_kind(m, SG_PICKLE_FLOAT, 0, err);
    case OP_BINUNICODE:
    case OP_BINSTRING:
        return push_text(m, 4, err);
    case OP_SHORT_BINSTRING:
        return push_text(m, 1, err);
    case OP_EMPTY_TUPLE:
        return push_kind(m, SG_PICKLE_TUPLE, 0, err);
    case OP_EMPTY_LIST:
        return push_kind(m, SG_PICKLE_LIST, 0, err);
    case OP_EMPTY_DICT:
        return push_kind(m, SG_PICKLE_DICT, 0, err);
    case OP_TUPLE:
        st = find_mark(m, &first, err);
        return st ? st : make_tuple(m, first, first - 1, err);
    case OP_TUPLE1:
    case OP_TUPLE2:
    case OP_TUPLE3:
        return make_short_tuple(m, (size_t)(op - OP_TUPLE1) + 1, err);
    case OP_APPEND:
        return extend_by(m, SG_PICKLE_LIST, 1, err);
    case OP_APPENDS:
        return extend(m, SG_PICKLE_LIST, err);
    case OP_SETITEM:
        return extend_by(m, SG_PICKLE_DICT, 2, err);
    case OP_SETITEMS:
        return extend(m, SG_PICKLE_DICT, err);
    case OP_BINPUT:
    case OP_LONG_BINPUT:
        return put(m, op == OP_BINPUT ? 1 : 4, err);
    case OP_BINGET:
    case OP_LONG_BINGET:
        return get(m, op == OP_BINGET ? 1 : 4, err);
    case OP_GLOBAL:
        return push_global(m, err);
    case OP_BINPERSID:
        return push_storage(m, err);
    case OP_REDUCE:
        return reduce(m, err);
    case OP_BUILD:
        return build(m, err);
    default:
        return sg_fail(err, SG_ERR_INPUT,
                "%s: its pickle holds opcode 0x%02x, which no state dict needs; in PyTorch, save "
                "the state dict alone: torch.save(model.state_dict(), FILE)",
                m->path, op);
    }
}

static sg_status run(machine *m, sg_error *err) {
    for (;;) {
        if (m->at == m->end) return bad(m, "it ends too early (truncated?)", err);
        uint8_t op = *m->at++;
        if (op == OP_STOP) break;
        sg_status st = step(m, op, err);
        if (st) return st;
    }
    if (m->depth != 1 || m->stack[0] == MARK) return bad(m, "it leaves no single value", err);
    m->p->root = m->stack[0];
    return SG_OK;
}

sg_status sg_pickle_parse(sg_pickle *out, size_t *used, const uint8_t *bytes, size_t size,
        const char *path, sg_error *err) {
    sg_pickle p = {0};
    machine m = {.p = &p, .at = bytes, .end = bytes + size, .path = path};
    sg_status st = run(&m, err);
    free(m.stack);
    free(m.memo);
    if (st) {
        sg_pickle_dispose(&p);
        return st;
    }
    *used = (size_t)(m.at - bytes);
    *out = p;
    return SG_OK;
}

void sg_pickle_dispose(sg_pickle *p) {
    if (!p) return;
    free(p->nodes);
    free(p->links);
    *p = (sg_pickle){0};
}

const sg_pickle_node *sg_pickle_root(const sg_pickle *p) {
    return &p->nodes[p->root];
}

const sg_pickle_node *sg_pickle_item(const sg_pickle *p, const sg_pickle_node *node, uint32_t n) {
    int32_t link = node->first;
    while (n-- && link >= 0) link = p->links[link].next;
    return link < 0 ? NULL : &p->nodes[p->links[link].node];
}

const sg_pickle_node *sg_pickle_get(
        const sg_pickle *p, const sg_pickle_node *dict, const char *key) {
    if (!dict || dict->kind != SG_PICKLE_DICT) return NULL;
    for (int32_t link = dict->first; link >= 0; link = p->links[p->links[link].next].next)
        if (sg_pickle_is_text(&p->nodes[p->links[link].node], key))
            return &p->nodes[p->links[p->links[link].next].node];
    return NULL;
}

bool sg_pickle_is_text(const sg_pickle_node *node, const char *text) {
    return node && node->kind == SG_PICKLE_TEXT && node->length == strlen(text) &&
           memcmp(node->text, text, node->length) == 0;
}
