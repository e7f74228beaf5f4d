/* SHA-512 (FIPS 180-4) of LANES messages at a time, each of its own length. */
static const uint64_t SHA_K[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};
static const uint64_t SHA_START[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

#define SUM_A(a) v_xor3(v_rotr(a, 28), v_rotr(a, 34), v_rotr(a, 39))
#define SUM_E(e) v_xor3(v_rotr(e, 14), v_rotr(e, 18), v_rotr(e, 41))
#define MIX_0(w) v_xor3(v_rotr(w, 1), v_rotr(w, 8), v_shr(w, 7))
#define MIX_1(w) v_xor3(v_rotr(w, 19), v_rotr(w, 61), v_shr(w, 6))

static __attribute__((noinline)) void sha_block(v state[8], v w[16]) {
    v a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (int at = 0; at < 80; at += 16) {
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            v t1 = v_add(v_add(h, SUM_E(e)), v_add(v_choose(e, f, g), v_add(w[i], v_set1(SHA_K[at + i]))));
            v t2 = v_add(SUM_A(a), v_majority(a, b, c));
            h = g, g = f, f = e, e = v_add(d, t1), d = c, c = b, b = a, a = v_add(t1, t2);
        }
        if (at == 64) break;
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++)
            w[i] = v_add(v_add(w[i], w[(i + 9) % 16]), v_add(MIX_0(w[(i + 1) % 16]), MIX_1(w[(i + 14) % 16])));
    }
    state[0] = v_add(state[0], a), state[1] = v_add(state[1], b);
    state[2] = v_add(state[2], c), state[3] = v_add(state[3], d);
    state[4] = v_add(state[4], e), state[5] = v_add(state[5], f);
    state[6] = v_add(state[6], g), state[7] = v_add(state[7], h);
}
INLINE uint64_t big_endian(uint64_t x) { return __builtin_bswap64(x); }

/* A message a lane, in memory with room for its padding: 144 bytes beyond. */
typedef struct { uint8_t *at; size_t length; } text;

INLINE void text_put(text *t, const void *data, size_t length) {
    if (length) memcpy(t->at + t->length, data, length);
    t->length += length;
}
INLINE void text_byte(text *t, unsigned byte) { t->at[t->length++] = (uint8_t)byte; }
INLINE void text_number(text *t, unsigned number) { text_byte(t, number >> 8 & 255), text_byte(t, number & 255); }

/* Digests of 64 bytes, going on from `start` (NULL: from the start), when `before` bytes were hashed already. */
static void sha_texts(uint8_t digests[LANES][64], const v *start, size_t before, text texts[LANES]) {
    size_t blocks[LANES], most = 0;
    for (int lane = 0; lane < LANES; lane++) {
        text *t = &texts[lane];
        uint64_t bits = big_endian((uint64_t)(before + t->length) * 8);
        text_byte(t, 0x80);
        size_t zeros = (240 - t->length % 128) % 128 + 8;
        memset(t->at + t->length, 0, zeros);
        t->length += zeros;
        text_put(t, &bits, 8);
        blocks[lane] = t->length / 128;
        if (blocks[lane] > most) most = blocks[lane];
    }
    v state[8];
    for (int i = 0; i < 8; i++) state[i] = start ? start[i] : v_set1(SHA_START[i]);
    for (size_t block = 0; block < most; block++) {
        uint64_t words[16][LANES], on[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            const uint8_t *from = texts[lane].at + (block < blocks[lane] ? block : 0) * 128;
            on[lane] = block < blocks[lane];
            for (int i = 0; i < 16; i++) {
                uint64_t word;
                memcpy(&word, from + 8 * i, 8);
                words[i][lane] = big_endian(word);
            }
        }
        v w[16], before_block[8];
        for (int i = 0; i < 16; i++) w[i] = v_load(words[i]);
        for (int i = 0; i < 8; i++) before_block[i] = state[i];
        sha_block(state, w);
        vm more = v_equal(v_load(on), v_set1(1)); /* a lane that is done keeps its state */
        for (int i = 0; i < 8; i++) state[i] = v_select(more, state[i], before_block[i]);
    }
    for (int i = 0; i < 8; i++) {
        uint64_t words[LANES];
        v_store(words, state[i]);
        for (int lane = 0; lane < LANES; lane++) {
            uint64_t word = big_endian(words[lane]);
            memcpy(digests[lane] + 8 * i, &word, 8);
        }
    }
}
