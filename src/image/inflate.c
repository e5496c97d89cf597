/* inflate.c - see inflate.h. Codes are looked up in a table of their first bits; longer ones go on
 * in a second table. Each entry holds all that its symbol needs, so that a symbol costs one or two
 * look-ups. Bits are fetched eight bytes at a time, matches copied likewise: both buffers have
 * slack for that, and every length and distance is checked before it is used.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/inflate.h"

#include <string.h>
#include <zlib.h>

enum {
    MOST_BITS = 15, /* of a code */
    LITERALS = 288,
    DISTANCES = 32,
    LITERAL_BITS = 11, /* of the first look-up */
    DISTANCE_BITS = 9,
    PRECODE_BITS = 7,
    PRECODES = 19,
    /* the first table, and second ones: at most one per long code, of at most 2^(15 - bits) */
    LITERAL_ROOM = (1 << LITERAL_BITS) + LITERALS * (1 << (MOST_BITS - LITERAL_BITS)),
    DISTANCE_ROOM = (1 << DISTANCE_BITS) + DISTANCES * (1 << (MOST_BITS - DISTANCE_BITS)),
};

/* An entry: bits of the code to drop (0..3), extra bits (8..11), flags (12..15), and above the
 * literal, the base of a length or distance, or the place of the second table, whose bits stand
 * where extra bits do. A code that does not exist has an entry of INVALID alone. */
enum { SECOND = 1 << 12, END = 1 << 13, LITERAL = 1 << 14, INVALID = 1 << 15 };
typedef uint32_t entry;

static unsigned code_bits(entry e) {
    return e & 15;
}

static unsigned extra_bits(entry e) {
    return e >> 8 & 15;
}

static unsigned value_of(entry e) {
    return e >> 16;
}

/* What symbols stand for, without the bits of their codes. */
static entry make_literal(unsigned symbol) {
    static const uint16_t base[] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43,
            51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t extra[] = {
            0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    if (symbol < 256) return symbol << 16 | LITERAL;
    if (symbol == 256) return END;
    symbol -= 257;
    if (symbol >= sizeof extra) return INVALID;
    return (entry)base[symbol] << 16 | (entry)extra[symbol] << 8;
}

static entry make_distance(unsigned symbol) {
    if (symbol >= 30) return INVALID;
    unsigned extra = symbol < 4 ? 0 : symbol / 2 - 1;
    unsigned base = symbol < 4 ? symbol + 1 : ((2 + symbol % 2) << extra) + 1;
    return base << 16 | extra << 8;
}

static entry make_precode(unsigned symbol) {
    return symbol << 16;
}

static unsigned reverse(unsigned code, unsigned bits) {
    unsigned out = 0;
    for (unsigned i = 0; i < bits; i++) out |= (code >> i & 1) << (bits - 1 - i);
    return out;
}

/* Puts `e` at all places of table[2^table_bits] whose low `bits` bits are `code`. */
static void spread(entry *table, unsigned table_bits, unsigned code, unsigned bits, entry e) {
    for (unsigned i = code; i < 1u << table_bits; i += 1u << bits) table[i] = e;
}

/* Bits of the second table behind the first bits `prefix` of the codes from `code` on, which are
 * sorted by length: the longest code in it decides. */
static unsigned second_bits(const unsigned count[MOST_BITS + 1], unsigned length, unsigned bits) {
    unsigned more = length - bits;
    int left = 1 << more;
    while (more + bits < MOST_BITS) {
        left -= (int)count[more + bits];
        if (left <= 0) break;
        more++;
        left <<= 1;
    }
    return more;
}

/* Canonical codes of these lengths (0: none). They must be complete, or, where `few` allows it, one
 * symbol of one bit, or none. */
static bool build(entry *table, unsigned bits, const uint8_t *lengths, unsigned symbols,
        entry (*make)(unsigned), bool few) {
    unsigned count[MOST_BITS + 1] = {0}, next[MOST_BITS + 1] = {0};
    for (unsigned s = 0; s < symbols; s++) count[lengths[s]]++;
    unsigned used = symbols - count[0];
    count[0] = 0;
    for (unsigned n = 1; n <= MOST_BITS; n++) {
        next[n] = (next[n - 1] + count[n - 1]) << 1;
        if (next[n] + count[n] > 1u << n) return false;
    }
    bool complete = next[MOST_BITS] + count[MOST_BITS] == 1u << MOST_BITS;
    if (!complete && !(few && (used == 0 || (used == 1 && count[1] == 1)))) return false;
    for (unsigned i = 0; i < 1u << bits; i++) table[i] = INVALID;
    unsigned room = 1u << bits, second = 0, prefix = 0, at = 0; /* at 0: no second table yet */
    for (unsigned n = 1; n <= MOST_BITS; n++)
        for (unsigned s = 0; count[n]; s++) {
            if (lengths[s] != n) continue;
            unsigned code = reverse(next[n]++, n);
            if (n <= bits) {
                spread(table, bits, code, n, make(s) | n);
            } else {
                if (!at || (code & ((1u << bits) - 1)) != prefix) {
                    prefix = code & ((1u << bits) - 1);
                    second = second_bits(count, n, bits);
                    at = room;
                    room += 1u << second;
                    table[prefix] = at << 16 | second << 8 | SECOND | bits;
                }
                spread(table + at, second, code >> bits, n - bits, make(s) | (n - bits));
            }
            count[n]--;
        }
    return true;
}

/* ---- bits ---- */

/* `held` of the bits in `bits` are there, the next one lowest; what lies above is either zero or
 * what will be fetched there. */
typedef struct reader {
    uint64_t bits;
    unsigned held;
    const uint8_t *in, *end;
} reader;

#define INLINE static inline __attribute__((always_inline))

/* At least 56 bits; of no meaning where the input is over, see ran_out. */
INLINE void refill(reader *r) {
    uint64_t more;
    memcpy(&more, r->in, sizeof more);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    more = __builtin_bswap64(more);
#endif
    r->bits |= more << r->held;
    r->in += (63 - r->held) >> 3;
    r->held |= 56;
    if (r->in > r->end + 8) r->in = r->end + 8; /* as far as anybody may read */
}

INLINE void drop(reader *r, unsigned n) {
    r->bits >>= n;
    r->held -= n;
}

INLINE unsigned peek(const reader *r, unsigned n) {
    return (unsigned)r->bits & ((1u << n) - 1);
}

INLINE unsigned take(reader *r, unsigned n) {
    unsigned bits = peek(r, n);
    drop(r, n);
    return bits;
}

INLINE entry look_up(reader *r, const entry *table, unsigned bits) {
    entry e = table[peek(r, bits)];
    if (e & SECOND) {
        drop(r, bits);
        e = table[value_of(e) + peek(r, extra_bits(e))];
    }
    drop(r, code_bits(e));
    return e;
}

/* The next byte that no bit was taken from. */
INLINE const uint8_t *position(const reader *r) {
    return r->in - r->held / 8;
}

/* Bits were taken that were not there. */
INLINE bool ran_out(const reader *r) {
    return position(r) > r->end;
}

/* ---- blocks ---- */

typedef struct inflater {
    reader from;
    uint8_t *out, *out_begin, *out_end;
    size_t window; /* no distance may be longer */
    entry literals[LITERAL_ROOM], distances[DISTANCE_ROOM];
} inflater;

static bool stored_block(inflater *s) {
    drop(&s->from, s->from.held % 8);
    const uint8_t *p = position(&s->from), *end = s->from.end;
    if (p > end || end - p < 4) return false;
    unsigned size = p[0] | (unsigned)p[1] << 8, inverse = p[2] | (unsigned)p[3] << 8;
    p += 4;
    if ((size ^ inverse) != 0xffff || (size_t)(end - p) < size ||
            (size_t)(s->out_end - s->out) < size)
        return false;
    memcpy(s->out, p, size);
    s->out += size;
    s->from = (reader){0, 0, p + size, end};
    return true;
}

static bool fixed_codes(inflater *s) {
    uint8_t lengths[LITERALS], distances[DISTANCES];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    memset(distances, 5, sizeof distances);
    return build(s->literals, LITERAL_BITS, lengths, LITERALS, make_literal, false) &&
           build(s->distances, DISTANCE_BITS, distances, DISTANCES, make_distance, false);
}

/* Lengths of both codes, written as a run-length code. */
static bool read_lengths(reader *r, uint8_t *lengths, unsigned count, const entry *precode) {
    static const struct { uint8_t bits, least; } repeats[3] = {{2, 3}, {3, 3}, {7, 11}};
    for (unsigned i = 0; i < count;) {
        refill(r);
        unsigned symbol = value_of(look_up(r, precode, PRECODE_BITS));
        if (ran_out(r)) return false;
        if (symbol < 16) {
            lengths[i++] = (uint8_t)symbol;
            continue;
        }
        if (symbol == 16 && i == 0) return false;
        uint8_t value = symbol == 16 ? lengths[i - 1] : 0;
        unsigned times = repeats[symbol - 16].least + take(r, repeats[symbol - 16].bits);
        if (times > count - i) return false;
        memset(lengths + i, value, times);
        i += times;
    }
    return true;
}

static bool dynamic_codes(inflater *s) {
    static const uint8_t order[PRECODES] = {
            16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[LITERALS + DISTANCES] = {0}, short_lengths[PRECODES] = {0};
    entry precode[1 << PRECODE_BITS];
    reader *r = &s->from;
    refill(r);
    unsigned literals = 257 + take(r, 5), distances = 1 + take(r, 5), codes = 4 + take(r, 4);
    if (literals > 286 || distances > 30) return false;
    for (unsigned i = 0; i < codes; i++) {
        if (i % 8 == 0) refill(r);
        short_lengths[order[i]] = (uint8_t)take(r, 3);
    }
    return build(precode, PRECODE_BITS, short_lengths, PRECODES, make_precode, false) &&
           read_lengths(r, lengths, literals + distances, precode) && lengths[256] &&
           build(s->literals, LITERAL_BITS, lengths, literals, make_literal, true) &&
           build(s->distances, DISTANCE_BITS, lengths + literals, distances, make_distance, true);
}

/* length bytes from `distance` before; may write up to 15 more. */
INLINE void copy_match(uint8_t *out, unsigned distance, unsigned length) {
    const uint8_t *from = out - distance, *end = out + length;
    if (distance >= 16) {
        do {
            memcpy(out, from, 16);
            out += 16;
            from += 16;
        } while (out < end);
        return;
    }
    if (distance == 1) {
        uint64_t eight = *from * UINT64_C(0x0101010101010101);
        for (; out < end; out += 8) memcpy(out, &eight, 8);
        return;
    }
    /* The first eight bytes one by one; the rest from a whole number of periods before. */
    for (int i = 0; i < 8; i++) out[i] = from[i];
    unsigned before = distance >= 8 ? distance : (8 + distance - 1) / distance * distance;
    for (out += 8; out < end; out += 8) memcpy(out, out - before, 8);
}

/* The reader and the place to write to are copies: as parts of *s they would be looked up again
 * after every byte, which could have changed them for all that the compiler knows. */
static bool coded_block(inflater *s) {
    reader r = s->from;
    uint8_t *out = s->out, *const end = s->out_end;
    entry e;
    for (;;) {
        refill(&r); /* 56 bits hold three codes of 15 */
        e = look_up(&r, s->literals, LITERAL_BITS);
        for (int i = 0; i < 2 && e & LITERAL; i++) {
            if (out == end) return false;
            *out++ = (uint8_t)value_of(e);
            e = look_up(&r, s->literals, LITERAL_BITS);
        }
        if (e & LITERAL) {
            if (out == end) return false;
            *out++ = (uint8_t)value_of(e);
            continue;
        }
        if (e & (END | INVALID)) break;
        refill(&r);
        unsigned length = value_of(e) + take(&r, extra_bits(e));
        e = look_up(&r, s->distances, DISTANCE_BITS);
        unsigned distance = value_of(e) + take(&r, extra_bits(e));
        if (e & INVALID || distance > (size_t)(out - s->out_begin) || distance > s->window ||
                length > (size_t)(end - out) || ran_out(&r))
            return false;
        copy_match(out, distance, length);
        out += length;
    }
    s->from = r;
    s->out = out;
    return e & END && !ran_out(&r);
}

static bool block(inflater *s, bool *last) {
    refill(&s->from);
    *last = take(&s->from, 1);
    switch (take(&s->from, 2)) {
    case 0:
        return stored_block(s);
    case 1:
        return fixed_codes(s) && coded_block(s);
    case 2:
        return dynamic_codes(s) && coded_block(s);
    default:
        return false;
    }
}

/* Two bytes: deflate, a window of up to 32 KB, no dictionary, and a check of themselves. */
static bool is_header(const uint8_t *in) {
    return (in[0] & 15) == 8 && in[0] >> 4 <= 7 && !(in[1] & 0x20) &&
           (in[0] << 8 | in[1]) % 31 == 0;
}

bool sg_inflate(uint8_t *out, size_t out_size, const uint8_t *in, size_t in_size) {
    enum { HEADER = 2, TRAILER = 4 };
    if (in_size < HEADER + TRAILER || !is_header(in)) return false;
    const uint8_t *sum = in + in_size - TRAILER;
    inflater s;
    s.from = (reader){0, 0, in + HEADER, sum};
    s.out = s.out_begin = out;
    s.out_end = out + out_size;
    s.window = (size_t)1 << ((in[0] >> 4) + 8);
    /* Tables cost time: encoders do not make them for so few bytes, an attacker might. */
    size_t blocks_left = 64 + out_size / 256;
    for (bool last = false; !last; blocks_left--)
        if (!blocks_left || !block(&s, &last)) return false;
    if (s.out != s.out_end || position(&s.from) != sum) return false;
    uint32_t expected =
            (uint32_t)sum[0] << 24 | (uint32_t)sum[1] << 16 | (uint32_t)sum[2] << 8 | sum[3];
    return adler32_z(1, out, out_size) == expected;
}
