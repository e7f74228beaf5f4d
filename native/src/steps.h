/* The protocol's steps in batches, over any field: what backend.h describes.
 *
 * A batch goes through in chunks of up to CHUNK vectors; the last vector is filled up with zeros, which are encodings
 * of the identity and scalars like any other. What held secrets is wiped before a step returns.
 */
#define CHUNK 32
#define MOST (CHUNK * LANES)

static const uint8_t NOTHING[64];

typedef struct {
    point points[CHUNK], others[CHUNK];
    halfway half[CHUNK];
    digits k;
    comb powers;
    uint8_t unused[LANES][64];
} work;

static size_t at_most(size_t count, size_t limit) { return count < limit ? count : limit; }
static size_t vectors_of(size_t count) { return (count + LANES - 1) / LANES; }

static work *work_begin(void) { return aligned_alloc(64, (sizeof(work) + 63) / 64 * 64); }
static int work_end(work *w, size_t count) {
    size_t vectors = vectors_of(at_most(count, MOST));
    sluis_wipe(w->points, vectors * sizeof(point));
    sluis_wipe(w->half, vectors * sizeof(halfway));
    sluis_wipe(&w->k, sizeof w->k);
    sluis_wipe_stack();
    free(w);
    return 0;
}

/* Elements. */

static int is_canonical(const uint8_t s[32]) { /* below p (so bit 255 is clear), and even */
    uint64_t w[4];
    memcpy(w, s, 32);
    int below = w[3] != ~(uint64_t)0 >> 1 || (w[2] & w[1]) != ~(uint64_t)0 || w[0] < 0xffffffffffffffed;
    return !(w[0] & 1) && !(w[3] >> 63) && below;
}
/* Decodes up to MOST elements; the index of the first that can't be, or -1. */
static long load(point *to, const uint8_t *elements, size_t count) {
    for (size_t at = 0; at < count; at += PAIR * LANES) {
        const int n = count - at > LANES ? 2 : 1;
        unsigned good[PAIR] = {0, 0};
        fe s[PAIR];
        vm decoded[PAIR];
        for (int k = 0; k < n; k++) {
            const uint8_t *from[LANES];
            for (size_t lane = 0; lane < LANES; lane++) {
                size_t index = at + (size_t)k * LANES + lane;
                from[lane] = index < count ? elements + 32 * index : NOTHING;
                good[k] |= (unsigned)is_canonical(from[lane]) << lane;
            }
            s[k] = fe_load(from);
        }
        point_decode(&to[at / LANES], decoded, s, n);
        for (int k = 0; k < n; k++) {
            good[k] &= vm_bits(decoded[k]);
            for (size_t lane = 0; lane < LANES; lane++)
                if (!(good[k] >> lane & 1)) return (long)(at + (size_t)k * LANES + lane);
        }
    }
    return -1;
}
static void destinations(uint8_t *to[LANES], uint8_t *elements, size_t at, size_t count, uint8_t (*unused)[64]) {
    for (size_t lane = 0; lane < LANES; lane++)
        to[lane] = at + lane < count ? elements + 32 * (at + lane) : unused[lane];
}
/* Encodes up to MOST points. */
static void store(work *w, uint8_t *elements, const point *from, size_t count) {
    for (size_t at = 0; at < count; at += PAIR * LANES) {
        const int n = count - at > LANES ? 2 : 1;
        fe s[PAIR];
        point_encode(s, &from[at / LANES], n);
        for (int k = 0; k < n; k++) {
            uint8_t *to[LANES];
            destinations(to, elements, at + (size_t)k * LANES, count, w->unused);
            fe_store(to, s[k]);
        }
    }
}
/* Encodes the products of up to MOST points by secret scalars. */
static void multiply_and_store(work *w, uint8_t *elements, const point *from, const uint8_t *scalars, size_t step,
                               size_t count) {
    uint8_t *to[CHUNK][LANES];
    for (size_t at = 0; at < count; at += LANES) {
        for (size_t lane = 0; lane < LANES; lane++) {
            uint8_t half[32];
            scalar_halve(half, at + lane < count ? scalars + step * (at + lane) : NOTHING);
            digits_of(&w->k, (int)lane, half);
            sluis_wipe(half, sizeof half);
        }
        point product;
        point_multiply(&product, &from[at / LANES], &w->k);
        halfway_of(&w->half[at / LANES], &product);
        destinations(to[at / LANES], elements, at, count, w->unused);
    }
    halfway_encode_all(w->half, vectors_of(count), (uint8_t *const(*)[LANES])to);
}
static const uint8_t GENERATOR[32] = {0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9,
                                      0x61, 0xc5, 0x00, 0x51, 0x5f, 0x58, 0xe3, 0x0b, 0x6a, 0xa5, 0x82,
                                      0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76};

/* The comb of a public key, or of its negative. NO_KEY if it is no element. */
static int comb_of_key(comb *c, const uint8_t key[32], int negative) {
    uint8_t same[LANES][32];
    point p;
    for (int lane = 0; lane < LANES; lane++) memcpy(same[lane], key, 32);
    if (load(&p, same[0], LANES) >= 0) return NO_KEY;
    if (negative) p.x = fe_neg(p.x), p.t = fe_neg(p.t);
    comb_of(c, &p);
    return 0;
}
/* Adds to each of up to MOST points the comb's by an own secret scalar. */
static void add_multiples(work *w, const uint8_t *scalars, size_t count) {
    for (size_t at = 0; at < count; at += LANES) {
        for (size_t lane = 0; lane < LANES; lane++)
            digits_of(&w->k, (int)lane, at + lane < count ? scalars + 32 * (at + lane) : NOTHING);
        comb_add(&w->points[at / LANES], &w->powers, &w->k);
    }
}

static int step_multiply(long *bad, uint8_t *products, const uint8_t *scalars, size_t step, const uint8_t *elements,
                         size_t count) {
    work *w = work_begin();
    if (!w) return NO_MEMORY;
    *bad = -1;
    for (size_t at = 0, n; at < count && *bad < 0; at += n) {
        n = at_most(count - at, MOST);
        if ((*bad = load(w->points, elements + 32 * at, n)) >= 0)
            *bad += (long)at;
        else
            multiply_and_store(w, products + 32 * at, w->points, scalars + step * at, step, n);
    }
    return work_end(w, count);
}
static int step_add(long *bad, uint8_t *sums, const uint8_t *left, const uint8_t *right, size_t count) {
    work *w = work_begin();
    if (!w) return NO_MEMORY;
    *bad = -1;
    for (size_t at = 0, n; at < count && *bad < 0; at += n) {
        n = at_most(count - at, MOST);
        long first = load(w->points, left + 32 * at, n), second = load(w->others, right + 32 * at, n);
        if (first < 0 || (second >= 0 && second < first)) first = second;
        if (first >= 0) {
            *bad = first + (long)at;
        } else {
            for (size_t i = 0; i < vectors_of(n); i++) add_to(&w->points[i], &w->others[i]);
            store(w, sums + 32 * at, w->points, n);
        }
    }
    return work_end(w, count);
}
static int step_check(long *bad, const uint8_t *elements, size_t count) {
    point unused[PAIR];
    *bad = -1;
    for (size_t at = 0, n; at < count && *bad < 0; at += n) {
        n = at_most(count - at, PAIR * LANES);
        if ((*bad = load(unused, elements + 32 * at, n)) >= 0) *bad += (long)at;
    }
    return 0;
}

/* Hashes. */

static uint8_t *texts_begin(text texts[LANES], size_t longest) {
    size_t room = (longest + 144 + 127) / 128 * 128;
    uint8_t *memory = malloc(room * LANES);
    for (int lane = 0; memory && lane < LANES; lane++) texts[lane].at = memory + room * (size_t)lane;
    return memory;
}
static void texts_end(text texts[LANES], uint8_t *memory, size_t longest) {
    (void)texts;
    sluis_wipe(memory, (longest + 144 + 127) / 128 * 128 * LANES);
    free(memory);
}
static size_t longest_of(const bytes *inputs, size_t count) {
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        if (inputs[i].length > longest) longest = inputs[i].length;
    return longest;
}
/* After the block of zeros that expand_message_xmd begins with. */
static void sha_after_zeros(v state[8]) {
    v w[16];
    for (int i = 0; i < 16; i++) w[i] = v_set1(0);
    for (int i = 0; i < 8; i++) state[i] = v_set1(SHA_START[i]);
    sha_block(state, w);
}
#define EXPAND_ROOM 512 /* beyond the message */

/* expand_message_xmd (RFC 9380, 5.3.1) to 64 bytes. The texts hold the messages; domain is at most 255 bytes. */
static void expand(uint8_t uniform[LANES][64], const v after_zeros[8], text texts[LANES], bytes domain) {
    for (int lane = 0; lane < LANES; lane++) {
        text_number(&texts[lane], 64);
        text_byte(&texts[lane], 0);
        text_put(&texts[lane], domain.at, domain.length);
        text_byte(&texts[lane], (unsigned)domain.length);
    }
    sha_texts(uniform, after_zeros, 128, texts);
    for (int lane = 0; lane < LANES; lane++) {
        texts[lane].length = 0;
        text_put(&texts[lane], uniform[lane], 64);
        text_byte(&texts[lane], 1);
        text_put(&texts[lane], domain.at, domain.length);
        text_byte(&texts[lane], (unsigned)domain.length);
    }
    sha_texts(uniform, NULL, 0, texts);
}
/* The one-way map (RFC 9496, 4.3.4) of 64 bytes a lane. */
static __attribute__((noinline)) void point_of_uniform(point *r, const uint8_t *const wide[LANES]) {
    const uint8_t *high[LANES];
    point halves[2];
    for (int lane = 0; lane < LANES; lane++) high[lane] = wide[lane] + 32;
    fe t[2] = {fe_load(wide), fe_load(high)};
    point_map(halves, t, 2);
    add_to(&halves[0], &halves[1]);
    *r = halves[0];
    sluis_wipe(halves, sizeof halves);
}
static int step_from_uniform(uint8_t *elements, const uint8_t *wide, size_t count) {
    work *w = work_begin();
    if (!w) return NO_MEMORY;
    for (size_t at = 0; at < count; at += LANES) {
        const uint8_t *from[LANES];
        size_t n = at_most(count - at, LANES);
        for (size_t lane = 0; lane < LANES; lane++) from[lane] = lane < n ? wide + 64 * (at + lane) : NOTHING;
        point_of_uniform(w->points, from);
        store(w, elements + 32 * at, w->points, n);
    }
    return work_end(w, count);
}
static int step_hash_to_group(uint8_t *elements, bytes domain, const bytes *inputs, const uint8_t *blinds, size_t count) {
    text texts[LANES];
    size_t longest = longest_of(inputs, count) + EXPAND_ROOM;
    uint8_t *memory = texts_begin(texts, longest);
    work *w = memory ? work_begin() : NULL;
    if (!w) {
        free(memory);
        return NO_MEMORY;
    }
    v after_zeros[8];
    sha_after_zeros(after_zeros);
    if (blinds) comb_of_key(&w->powers, GENERATOR, 0);
    for (size_t at = 0, n; at < count; at += n) {
        n = at_most(count - at, MOST);
        for (size_t i = 0; i < n; i += LANES) {
            uint8_t uniform[LANES][64];
            const uint8_t *wide[LANES];
            for (size_t lane = 0; lane < LANES; lane++) {
                texts[lane].length = 0;
                if (i + lane < n) text_put(&texts[lane], inputs[at + i + lane].at, inputs[at + i + lane].length);
                wide[lane] = uniform[lane];
            }
            expand(uniform, after_zeros, texts, domain);
            point_of_uniform(&w->points[i / LANES], wide);
        }
        if (blinds) add_multiples(w, blinds + 32 * at, n);
        store(w, elements + 32 * at, w->points, n);
    }
    texts_end(texts, memory, longest);
    return work_end(w, count);
}

/* Proofs: all public from here on, but for the secret in step_evaluate. */

#define WEIGH_ROOM (2 + 65535 + 2 + 34 + 34 + 9 + EXPAND_ROOM)

/* HashToScalar of the transcript of a composite's term (RFC 9497, 2.2.1), for up to LANES terms. */
static void weigh_lanes(scalar weights[LANES], const v after_zeros[8], text texts[LANES], const weighing *how,
                        size_t index, const uint8_t *blinded, const uint8_t *evaluated, size_t count) {
    uint8_t uniform[LANES][64];
    for (size_t lane = 0; lane < LANES; lane++) {
        text *t = &texts[lane];
        t->length = 0;
        if (lane >= count) continue;
        text_number(t, (unsigned)how->seed.length);
        text_put(t, how->seed.at, how->seed.length);
        text_number(t, (unsigned)(how->first + index + lane));
        text_number(t, 32);
        text_put(t, blinded + 32 * lane, 32);
        text_number(t, 32);
        text_put(t, evaluated + 32 * lane, 32);
        text_put(t, "Composite", 9);
    }
    expand(uniform, after_zeros, texts, how->domain);
    for (size_t lane = 0; lane < LANES; lane++) weights[lane] = scalar_load_wide(uniform[lane]);
}
static int step_weigh(uint8_t *weights, const weighing *how, const uint8_t *blinded, const uint8_t *evaluated,
                      size_t count) {
    text texts[LANES];
    uint8_t *memory = texts_begin(texts, how->seed.length + WEIGH_ROOM - 65535);
    if (!memory) return NO_MEMORY;
    v after_zeros[8];
    sha_after_zeros(after_zeros);
    for (size_t at = 0; at < count; at += LANES) {
        scalar d[LANES];
        size_t n = at_most(count - at, LANES);
        weigh_lanes(d, after_zeros, texts, how, at, blinded + 32 * at, evaluated + 32 * at, n);
        for (size_t lane = 0; lane < n; lane++) scalar_store(weights + 32 * (at + lane), d[lane]);
    }
    free(memory);
    return 0;
}
static void store_sum(work *w, uint8_t sum[32], public_sum *from) {
    point total = sum_end(from);
    store(w, sum, &total, 1);
}
static int step_public_sum(long *bad, uint8_t sum[32], const uint8_t *scalars, const uint8_t *elements, size_t count) {
    public_sum s;
    work *w = work_begin();
    if (!w || sum_begin(&s, count)) {
        free(w);
        return NO_MEMORY;
    }
    *bad = -1;
    for (size_t at = 0, n; at < count; at += n) {
        n = at_most(count - at, MOST);
        if ((*bad = load(w->points, elements + 32 * at, n)) >= 0) {
            *bad += (long)at;
            break;
        }
        for (size_t i = 0; i < n; i += LANES)
            sum_add(&s, &w->points[i / LANES], (const uint8_t(*)[32])(scalars + 32 * (at + i)), (int)at_most(n - i, LANES));
    }
    store_sum(w, sum, &s);
    return work_end(w, count);
}
static int step_evaluate(long *bad, uint8_t *evaluated, uint8_t m[32], const uint8_t secret[32], const weighing *how,
                         const uint8_t *elements, size_t count) {
    text texts[LANES];
    public_sum s;
    uint8_t *memory = texts_begin(texts, how->seed.length + WEIGH_ROOM - 65535);
    work *w = memory ? work_begin() : NULL;
    if (!w || sum_begin(&s, count)) {
        free(memory);
        free(w);
        return NO_MEMORY;
    }
    v after_zeros[8];
    sha_after_zeros(after_zeros);
    *bad = -1;
    for (size_t at = 0, n; at < count; at += n) {
        n = at_most(count - at, MOST);
        const uint8_t *from = elements + 32 * at;
        uint8_t *to = evaluated + 32 * at;
        if ((*bad = load(w->points, from, n)) >= 0) {
            *bad += (long)at;
            break;
        }
        multiply_and_store(w, to, w->points, secret, 0, n);
        for (size_t i = 0; i < n; i += LANES) {
            scalar d[LANES];
            uint8_t k[LANES][32];
            weigh_lanes(d, after_zeros, texts, how, at + i, from + 32 * i, to + 32 * i, at_most(n - i, LANES));
            for (size_t lane = 0; lane < LANES; lane++) scalar_store(k[lane], d[lane]);
            sum_add(&s, &w->points[i / LANES], (const uint8_t(*)[32])k, (int)at_most(n - i, LANES));
        }
    }
    store_sum(w, m, &s);
    free(memory);
    return work_end(w, count);
}
#define VERIFIED (PAIR * LANES)

/* Up to VERIFIED elements of step_verify, from index `at` on. */
static long verify_some(work *w, public_sum *s, const v after_zeros[8], text texts[LANES], const weighing *how,
                        const scalar *factors, size_t at, uint8_t *sums, const uint8_t *blinded,
                        const uint8_t *const *answers, size_t holders, size_t count) {
    scalar common[VERIFIED], d[LANES];
    uint8_t k[VERIFIED][32];
    point total[PAIR] = {point_identity(), point_identity()};
    long bad;
    memset(common, 0, sizeof common);
    for (size_t holder = 0; holder < holders; holder++) {
        const uint8_t *own = answers[holder] + 32 * at;
        if ((bad = load(w->points, own, count)) >= 0) return bad;
        for (size_t i = 0; i < count; i += LANES) {
            size_t n = at_most(count - i, LANES);
            weigh_lanes(d, after_zeros, texts, &how[holder], at + i, blinded + 32 * (at + i), own + 32 * i, n);
            for (size_t lane = 0; lane < LANES; lane++) {
                scalar for_m = scalar_multiply_prepared(d[lane], factors[2 * holder]);
                common[i + lane] = scalar_add(common[i + lane], for_m);
                scalar_store(k[i + lane], scalar_multiply_prepared(d[lane], factors[2 * holder + 1]));
            }
            sum_add(s, &w->points[i / LANES], (const uint8_t(*)[32])k + i, (int)n);
            add_to(&total[i / LANES], &w->points[i / LANES]);
        }
    }
    if ((bad = load(w->points, blinded + 32 * at, count)) >= 0) return bad;
    for (size_t i = 0; i < VERIFIED; i++) scalar_store(k[i], common[i]);
    for (size_t i = 0; i < count; i += LANES)
        sum_add(s, &w->points[i / LANES], (const uint8_t(*)[32])k + i, (int)at_most(count - i, LANES));
    memcpy(sums + at / LANES * sizeof(point), total, vectors_of(count) * sizeof(point));
    return -1;
}
static int step_verify(long *bad, uint8_t *sums, uint8_t right[32], const weighing *how, const uint8_t *rho,
                       const uint8_t *blinded, const uint8_t *const *answers, size_t holders, size_t count) {
    text texts[LANES];
    public_sum s;
    size_t longest = 0;
    for (size_t i = 0; i < holders; i++)
        if (how[i].seed.length > longest) longest = how[i].seed.length;
    uint8_t *memory = texts_begin(texts, longest + WEIGH_ROOM - 65535);
    scalar *factors = malloc(2 * holders * sizeof(scalar));
    work *w = memory && factors ? work_begin() : NULL;
    if (!w || sum_begin(&s, (holders + 1) * count)) {
        free(memory);
        free(factors);
        free(w);
        return NO_MEMORY;
    }
    v after_zeros[8];
    sha_after_zeros(after_zeros);
    for (size_t i = 0; i < 2 * holders; i++) factors[i] = scalar_prepare(scalar_load(rho + 32 * i));
    *bad = -1;
    for (size_t at = 0, n; at < count && *bad < 0; at += n) {
        n = at_most(count - at, VERIFIED);
        if ((*bad = verify_some(w, &s, after_zeros, texts, how, factors, at, sums, blinded, answers, holders, n)) >= 0)
            *bad += (long)at;
    }
    store_sum(w, right, &s);
    free(memory);
    free(factors);
    return work_end(w, count);
}

static int step_encode(uint8_t element[32], const uint8_t *sums, size_t index) {
    work *w = work_begin();
    if (!w) return NO_MEMORY;
    uint8_t elements[LANES][32];
    memcpy(w->points, sums + index / LANES * sizeof(point), sizeof(point));
    store(w, elements[0], w->points, LANES);
    memcpy(element, elements[index % LANES], 32);
    return work_end(w, LANES);
}

/* Takes the blinds off, blind·key each, and hashes as Finalize does (RFC 9497, 3.3.1). */
static int step_finalize(uint8_t *outputs, const bytes *inputs, const uint8_t *blinds, const uint8_t key[32],
                         const uint8_t *sums, size_t count) {
    text texts[LANES];
    size_t longest = longest_of(inputs, count) + 2 + 34 + 8;
    uint8_t *memory = texts_begin(texts, longest), unblinded[32 * MOST];
    work *w = memory ? work_begin() : NULL;
    int result = w ? comb_of_key(&w->powers, key, 1) : NO_MEMORY;
    for (size_t at = 0, n; at < count && !result; at += n) {
        n = at_most(count - at, MOST);
        memcpy(w->points, sums + at / LANES * sizeof(point), vectors_of(n) * sizeof(point));
        add_multiples(w, blinds + 32 * at, n);
        store(w, unblinded, w->points, n);
        for (size_t i = 0; i < n; i += LANES) {
            uint8_t digests[LANES][64];
            for (size_t lane = 0; lane < LANES; lane++) {
                text *t = &texts[lane];
                t->length = 0;
                if (i + lane >= n) continue;
                const bytes *input = &inputs[at + i + lane];
                text_number(t, (unsigned)input->length);
                text_put(t, input->at, input->length);
                text_number(t, 32);
                text_put(t, unblinded + 32 * (i + lane), 32);
                text_put(t, "Finalize", 8);
            }
            sha_texts(digests, NULL, 0, texts);
            for (size_t lane = 0; lane < LANES && i + lane < n; lane++)
                memcpy(outputs + 64 * (at + i + lane), digests[lane], 64);
        }
    }
    if (memory) texts_end(texts, memory, longest);
    sluis_wipe(unblinded, sizeof unblinded);
    if (w) work_end(w, count);
    return result;
}

#define STEPS(label)                                                                                                  \
    {label,           LANES,      sizeof(point),   step_from_uniform, step_hash_to_group, step_multiply, step_add,    \
     step_check,      step_public_sum, step_weigh, step_evaluate,     step_verify,        step_encode,   step_finalize}
