/* One lane of plain 64-bit code, with 128-bit products. A mask is all ones or zero. */
#ifndef SLUIS_LANES_H
#define SLUIS_LANES_H
#include <stdint.h>

#define LANES 1
#define ALIGN 16
#define INLINE static inline __attribute__((always_inline))

typedef uint64_t v;
typedef uint64_t vm;
typedef unsigned __int128 w; /* a sum of products */

INLINE v v_set1(uint64_t x) { return x; }
INLINE v v_load(const uint64_t *from) { return *from; }
INLINE void v_store(uint64_t *to, v a) { *to = a; }
INLINE v v_bytes(const uint8_t *from) { return *from; }
INLINE v v_add(v a, v b) { return a + b; }
INLINE v v_sub(v a, v b) { return a - b; }
INLINE v v_and(v a, v b) { return a & b; }
INLINE v v_or(v a, v b) { return a | b; }
INLINE v v_xor(v a, v b) { return a ^ b; }
#define v_shr(a, n) ((a) >> (n))
#define v_shl(a, n) ((a) << (n))
#define v_rotr(a, n) (((a) >> (n)) | ((a) << (64 - (n))))
INLINE v v_xor3(v a, v b, v c) { return a ^ b ^ c; }
INLINE v v_choose(v a, v b, v c) { return c ^ (a & (b ^ c)); }
INLINE v v_majority(v a, v b, v c) { return (a & b) ^ (c & (a ^ b)); }
INLINE v v_times19(v a) { return 19 * a; }

INLINE w w_times(v a, v b) { return (w)a * b; }
INLINE w w_add(w a, w b) { return a + b; }
INLINE v w_low51(w a) { return (v)a & (((v)1 << 51) - 1); }
INLINE v w_shr51(w a) { return (v)(a >> 51); }
INLINE w w_from(v a) { return a; }

/* Where the compiler can't see that it is all ones or zero, it can't make a branch of it. */
INLINE vm vm_hide(vm m) {
    __asm__("" : "+r"(m));
    return m;
}
INLINE vm v_equal(v a, v b) {
    v d = a ^ b;
    return vm_hide(((d | (0 - d)) >> 63) - 1);
}
INLINE v v_select(vm m, v yes, v no) { return no ^ (m & (yes ^ no)); }
/* Of many words at once: any CPU's smallest vectors do. */
#define V_SELECT_MANY
typedef uint64_t pair __attribute__((vector_size(16), aligned(8), may_alias));
INLINE void v_select_many(void *to, vm m, const void *yes, const void *no, int words) {
    const pair mask = {m, m}, *y = yes, *n = no;
    for (int i = 0; i < words / 2; i++) ((pair *)to)[i] = n[i] ^ (mask & (y[i] ^ n[i]));
}
/* Of eight entries, all of which are read, that of number magnitude - 1; zero for magnitude 0. */
typedef struct { pair is[4]; } place;
INLINE place place_of(v magnitude) {
    place p;
    for (uint64_t i = 0; i < 4; i++) p.is[i] = (pair){v_equal(magnitude, 2 * i + 1), v_equal(magnitude, 2 * i + 2)};
    return p;
}
INLINE v v_look_up(const uint64_t entries[8], place p) {
    const pair *e = (const pair *)entries;
    pair r = (e[0] & p.is[0]) | (e[1] & p.is[1]) | (e[2] & p.is[2]) | (e[3] & p.is[3]);
    return r[0] | r[1];
}
INLINE vm vm_and(vm a, vm b) { return a & b; }
INLINE vm vm_or(vm a, vm b) { return a | b; }
INLINE vm vm_not(vm a) { return ~a; }
INLINE unsigned vm_bits(vm a) { return (unsigned)(a & 1); }

#define ROW 20
INLINE void v_load_rows(v to[ROW], const uint64_t *const rows[LANES]) {
    for (int i = 0; i < ROW; i++) to[i] = rows[0][i];
}
INLINE void v_store_rows(uint64_t *const rows[LANES], v from[ROW]) {
    for (int i = 0; i < ROW; i++) rows[0][i] = from[i];
}
#endif
