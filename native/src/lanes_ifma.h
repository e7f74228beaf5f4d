/* Eight 64-bit lanes of AVX-512 with IFMA. Lanes are independent group elements; masks are one bit a lane. */
#ifndef SLUIS_LANES_H
#define SLUIS_LANES_H
#include <immintrin.h>
#include <stdint.h>

#define LANES 8
#define ALIGN 64
#define INLINE static inline __attribute__((always_inline))

typedef __m512i v;
typedef __mmask8 vm;

/* 19, where the compiler can't see it: it would make three slow instructions of a multiplication. */
extern const uint64_t sluis_nineteen;

INLINE v v_set1(uint64_t x) { return _mm512_set1_epi64((long long)x); }
INLINE v v_load(const uint64_t *from) { return _mm512_loadu_si512(from); }
INLINE void v_store(uint64_t *to, v a) { _mm512_storeu_si512(to, a); }
INLINE v v_bytes(const uint8_t *from) { return _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)from)); }
INLINE v v_add(v a, v b) { return _mm512_add_epi64(a, b); }
INLINE v v_sub(v a, v b) { return _mm512_sub_epi64(a, b); }
INLINE v v_and(v a, v b) { return _mm512_and_si512(a, b); }
INLINE v v_or(v a, v b) { return _mm512_or_si512(a, b); }
INLINE v v_xor(v a, v b) { return _mm512_xor_si512(a, b); }
#define v_shr(a, n) _mm512_srli_epi64(a, n)
#define v_shl(a, n) _mm512_slli_epi64(a, n)
#define v_rotr(a, n) _mm512_ror_epi64(a, n)
INLINE v v_xor3(v a, v b, v c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
INLINE v v_choose(v a, v b, v c) { return _mm512_ternarylogic_epi64(a, b, c, 0xca); }   /* bitwise a ? b : c */
INLINE v v_majority(v a, v b, v c) { return _mm512_ternarylogic_epi64(a, b, c, 0xe8); }
INLINE v v_times19(v a) { return _mm512_mullo_epi64(a, v_set1(sluis_nineteen)); }

/* acc plus the low or the high 52 bits of a product of numbers below 2^52. */
INLINE v v_low52(v acc, v a, v b) { return _mm512_madd52lo_epu64(acc, a, b); }
INLINE v v_high52(v acc, v a, v b) { return _mm512_madd52hi_epu64(acc, a, b); }

INLINE vm v_equal(v a, v b) { return _mm512_cmpeq_epi64_mask(a, b); }
INLINE v v_select(vm m, v yes, v no) { return _mm512_mask_blend_epi64(m, no, yes); }
INLINE vm vm_and(vm a, vm b) { return (vm)(a & b); }
INLINE vm vm_or(vm a, vm b) { return (vm)(a | b); }
INLINE vm vm_not(vm a) { return (vm)~a; }
INLINE unsigned vm_bits(vm a) { return a; }

/* Of eight entries, all of which are read, that of number magnitude - 1; zero for magnitude 0. A permutation in a
 * register takes the same time for every index. */
typedef struct { v at; vm any; } place;
INLINE place place_of(v magnitude) {
    return (place){v_sub(magnitude, v_set1(1)), _mm512_test_epi64_mask(magnitude, magnitude)};
}
INLINE v v_look_up(const uint64_t entries[8], place p) {
    return _mm512_maskz_permutexvar_epi64(p.any, p.at, v_load(entries));
}

/* An 8 by 8 transpose in registers: row i, column j becomes row j, column i. */
INLINE void v_transpose(v r[8]) {
    v a[8], b[8];
    for (int i = 0; i < 8; i += 2) {
        a[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
    }
    const v low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            b[i + j] = _mm512_permutex2var_epi64(a[i + j], low, a[i + 2 + j]);
            b[i + 2 + j] = _mm512_permutex2var_epi64(a[i + j], high, a[i + 2 + j]);
        }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0x44);
        r[i + 4] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0xee);
    }
}

/* ROW words of memory a lane, as vectors, and back. */
#define ROW 24
INLINE void v_load_rows(v to[ROW], const uint64_t *const rows[LANES]) {
    for (int part = 0; part < ROW; part += 8) {
        for (int lane = 0; lane < 8; lane++) to[part + lane] = _mm512_load_si512(rows[lane] + part);
        v_transpose(to + part);
    }
}
INLINE void v_store_rows(uint64_t *const rows[LANES], v from[ROW]) {
    for (int part = 0; part < ROW; part += 8) {
        v_transpose(from + part);
        for (int lane = 0; lane < 8; lane++) _mm512_store_si512(rows[lane] + part, from[part + lane]);
    }
}
#endif
