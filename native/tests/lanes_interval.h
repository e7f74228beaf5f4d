/* Not lanes but bounds: every operation of the lanes headers, on the interval [low, high] that a limb can be in.
 *
 * The field headers and the curve template compile on top of this as they are. An operation that could leave what the
 * hardware computes exactly (64 bits, 52 or 32 bits of an operand, below zero) ends the program and says so. Masks are
 * unknown, and a selection is the hull of both.
 */
#ifndef SLUIS_LANES_H
#define SLUIS_LANES_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LANES 1
#define INLINE static inline
#define SLUIS_INTERVAL

typedef unsigned __int128 u128;
typedef struct { u128 low, high; } v;
typedef v w;
typedef int vm;

static const char *doing = "";
static u128 largest; /* ever */

static void check(int good, const char *what) {
    if (good) return;
    printf("%s, in %s\n", what, doing);
    exit(1);
}
#define U64 (((u128)1 << 64) - 1)
static v made(u128 low, u128 high) {
    check(high <= U64, "a limb beyond 64 bits");
    if (high > largest) largest = high;
    return (v){low, high};
}
static u128 times(u128 a, u128 b) {
    check(b == 0 || a <= ~(u128)0 / b, "a product beyond 128 bits");
    return a * b;
}
static u128 plus(u128 a, u128 b) {
    check(a <= ~(u128)0 - b, "a sum beyond 128 bits");
    return a + b;
}
INLINE v v_set1(uint64_t x) { return (v){x, x}; }
INLINE v v_load(const uint64_t *from) { return v_set1(*from); }
INLINE void v_store(uint64_t *to, v a) { *to = (uint64_t)a.high; }
INLINE v v_bytes(const uint8_t *from) { return (void)from, (v){0, 255}; }
INLINE v v_add(v a, v b) { return made(a.low + b.low, a.high + b.high); }
INLINE v v_sub(v a, v b) {
    check(a.low >= b.high, "a difference below zero");
    return made(a.low - b.high, a.high - b.low);
}
INLINE v v_and(v a, v mask) {
    check(mask.low == mask.high, "a mask that is not constant");
    if (a.high <= mask.high && !(mask.high & (mask.high + 1))) return a;
    return (v){0, a.high < mask.high ? a.high : mask.high};
}
INLINE v v_or(v a, v b) { return made(a.low > b.low ? a.low : b.low, a.high + b.high); }
INLINE v v_shr(v a, int n) { return (v){a.low >> n, a.high >> n}; }
INLINE v v_shl(v a, int n) { return made(a.low << n, a.high << n); }
INLINE v v_times19(v a) { return made(19 * a.low, 19 * a.high); }
INLINE v v_times32(v a, v b) {
    check(a.high >> 32 == 0 && b.high >> 32 == 0, "a factor beyond 32 bits");
    return made(a.low * b.low, a.high * b.high);
}
#define LOW52 (((u128)1 << 52) - 1)
INLINE v v_low52(v acc, v a, v b) {
    check(a.high <= LOW52 && b.high <= LOW52, "a factor beyond 52 bits");
    u128 high = a.high * b.high;
    return made(acc.low, acc.high + (high < LOW52 ? high : LOW52));
}
INLINE v v_high52(v acc, v a, v b) {
    check(a.high <= LOW52 && b.high <= LOW52, "a factor beyond 52 bits");
    return made(acc.low + (a.low * b.low >> 52), acc.high + (a.high * b.high >> 52));
}
INLINE w w_times(v a, v b) { return (w){times(a.low, b.low), times(a.high, b.high)}; }
INLINE w w_add(w a, w b) { return (w){plus(a.low, b.low), plus(a.high, b.high)}; }
INLINE v w_low51(w a) { return a.high >> 51 ? (v){0, ((u128)1 << 51) - 1} : a; }
INLINE v w_shr51(w a) { return made(a.low >> 51, a.high >> 51); }
INLINE w w_from(v a) { return a; }
INLINE v hull(v a, v b) { return (v){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high}; }

INLINE vm v_equal(v a, v b) { return (void)a, (void)b, 0; }
INLINE v v_select(vm m, v yes, v no) { return (void)m, hull(yes, no); }
INLINE vm vm_and(vm a, vm b) { return a & b; }
INLINE vm vm_or(vm a, vm b) { return a | b; }
INLINE vm vm_not(vm a) { return a; }
INLINE unsigned vm_bits(vm a) { return (unsigned)a; }
#define ROW 20
#endif
