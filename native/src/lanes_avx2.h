/* Four 64-bit lanes of AVX2. Lanes are independent group elements; masks are all ones or zero a lane. */
#ifndef SLUIS_LANES_H
#define SLUIS_LANES_H
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define LANES 4
#define ALIGN 32
#define INLINE static inline __attribute__((always_inline))

typedef __m256i v;
typedef __m256i vm;

INLINE v v_set1(uint64_t x) { return _mm256_set1_epi64x((long long)x); }
INLINE v v_load(const uint64_t *from) { return _mm256_loadu_si256((const __m256i *)from); }
INLINE void v_store(uint64_t *to, v a) { _mm256_storeu_si256((__m256i *)to, a); }
INLINE v v_bytes(const uint8_t *from) {
    int four;
    memcpy(&four, from, 4);
    return _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
}
INLINE v v_add(v a, v b) { return _mm256_add_epi64(a, b); }
INLINE v v_sub(v a, v b) { return _mm256_sub_epi64(a, b); }
INLINE v v_and(v a, v b) { return _mm256_and_si256(a, b); }
INLINE v v_or(v a, v b) { return _mm256_or_si256(a, b); }
INLINE v v_xor(v a, v b) { return _mm256_xor_si256(a, b); }
#define v_shr(a, n) _mm256_srli_epi64(a, n)
#define v_shl(a, n) _mm256_slli_epi64(a, n)
#define v_rotr(a, n) v_or(v_shr(a, n), v_shl(a, 64 - (n)))
INLINE v v_xor3(v a, v b, v c) { return v_xor(v_xor(a, b), c); }
INLINE v v_choose(v a, v b, v c) { return v_xor(c, v_and(a, v_xor(b, c))); }   /* bitwise a ? b : c */
INLINE v v_majority(v a, v b, v c) { return v_xor(v_and(a, b), v_and(c, v_xor(a, b))); }
INLINE v v_times19(v a) { return v_add(v_add(a, v_shl(a, 1)), v_shl(a, 4)); }

/* The product of numbers below 2^32. */
INLINE v v_times32(v a, v b) { return _mm256_mul_epu32(a, b); }

INLINE vm v_equal(v a, v b) { return _mm256_cmpeq_epi64(a, b); }
INLINE v v_select(vm m, v yes, v no) { return _mm256_blendv_epi8(no, yes, m); }
INLINE vm vm_and(vm a, vm b) { return v_and(a, b); }
INLINE vm vm_or(vm a, vm b) { return v_or(a, b); }
INLINE vm vm_not(vm a) { return v_xor(a, _mm256_set1_epi64x(-1)); }
INLINE unsigned vm_bits(vm a) { return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(a)); }

/* Of eight entries, all of which are read, that of number magnitude - 1; zero for magnitude 0. A permutation in a
 * register takes the same time for every index. */
typedef struct { v halves, upper, any; } place; /* where in four entries, as two halves; whether in the last four */
INLINE place place_of(v magnitude) {
    v at = v_sub(magnitude, v_set1(1)), low = v_shl(v_and(at, v_set1(3)), 1);
    return (place){v_add(v_or(low, v_shl(low, 32)), v_set1(1ull << 32)), v_equal(v_and(at, v_set1(4)), v_set1(4)),
                   vm_not(v_equal(magnitude, v_set1(0)))};
}
INLINE v v_look_up(const uint64_t entries[8], place p) {
    v lower = _mm256_permutevar8x32_epi32(v_load(entries), p.halves);
    v upper = _mm256_permutevar8x32_epi32(v_load(entries + 4), p.halves);
    return v_and(v_select(p.upper, upper, lower), p.any);
}

/* A 4 by 4 transpose in registers: row i, column j becomes row j, column i. */
INLINE void v_transpose(v r[4]) {
    v a = _mm256_unpacklo_epi64(r[0], r[1]), b = _mm256_unpackhi_epi64(r[0], r[1]);
    v c = _mm256_unpacklo_epi64(r[2], r[3]), d = _mm256_unpackhi_epi64(r[2], r[3]);
    r[0] = _mm256_permute2x128_si256(a, c, 0x20);
    r[1] = _mm256_permute2x128_si256(b, d, 0x20);
    r[2] = _mm256_permute2x128_si256(a, c, 0x31);
    r[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

/* ROW words of memory a lane, as vectors, and back. */
#define ROW 20
INLINE void v_load_rows(v to[ROW], const uint64_t *const rows[LANES]) {
    for (int part = 0; part < ROW; part += 4) {
        for (int lane = 0; lane < 4; lane++) to[part + lane] = v_load(rows[lane] + part);
        v_transpose(to + part);
    }
}
INLINE void v_store_rows(uint64_t *const rows[LANES], v from[ROW]) {
    for (int part = 0; part < ROW; part += 4) {
        v_transpose(from + part);
        for (int lane = 0; lane < 4; lane++) v_store(rows[lane] + part, from[part + lane]);
    }
}
#endif
