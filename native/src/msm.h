/* Sums of multiples of PUBLIC points by PUBLIC scalars, in variable time: buckets are chosen by the scalar's digits.
 *
 * Pippenger's way, with 32 signed windows of 8 bits. A lane is a window: each point is added to LANES buckets at once,
 * one of each window, and no two lanes ever touch the same bucket. For few points, where 4096 buckets don't pay, each
 * is multiplied instead.
 */
#define WINDOWS 32
#define GROUPS (WINDOWS / LANES)
#define BUCKETS 129 /* magnitudes 0 to 128; what falls into 0 is never read */
#define FEW 48

typedef struct { uint8_t magnitude[WINDOWS], negative[WINDOWS]; } windows;
#define WAITING 256 /* points that are added at a time, window by window: so the buckets of one stay in the cache */

typedef struct { uint64_t points[WAITING][ROW]; windows scalars[WAITING]; } waiting;
typedef struct {
    uint64_t *buckets; /* [WINDOWS][BUCKETS][ROW]; NULL: few points */
    waiting *wait;     /* the first `count` are not in the buckets yet */
    int count;
    point few; /* a sum a lane */
} public_sum;

INLINE void point_pack(v row[ROW], const point *p) {
    for (int i = 20; i < ROW; i++) row[i] = v_set1(0);
    fe_pack(row, p->x);
    fe_pack(row + 5, p->y);
    fe_pack(row + 10, p->z);
    fe_pack(row + 15, p->t);
}
INLINE point point_unpack(const v row[ROW]) {
    return (point){fe_unpack(row), fe_unpack(row + 5), fe_unpack(row + 10), fe_unpack(row + 15)};
}
INLINE point point_broadcast(const uint64_t *row) {
    v words[ROW];
    for (int i = 0; i < 20; i++) words[i] = v_set1(row[i]);
    return point_unpack(words);
}

INLINE affine affine_broadcast(const uint64_t *row) {
    v words[AFFINE_WORDS];
    for (int i = 0; i < AFFINE_WORDS; i++) words[i] = v_set1(row[i]);
    return affine_unpack(words);
}

#ifndef SLUIS_INTERVAL /* what follows moves limbs through memory */

/* Signed digits of a scalar below 2^254: d in -128..127, so |d| may be 128. */
static void windows_of(windows *r, const uint8_t scalar[32]) {
    unsigned carry = 0;
    for (int i = 0; i < WINDOWS; i++) {
        unsigned digit = scalar[i] + carry;
        carry = digit >= 128;
        r->magnitude[i] = (uint8_t)(carry ? 256 - digit : digit);
        r->negative[i] = (uint8_t)carry;
    }
}
#define BUCKETS_SIZE ((size_t)WINDOWS * BUCKETS * ROW * sizeof(uint64_t))
static int sum_begin(public_sum *s, size_t points) {
    s->few = point_identity();
    s->buckets = NULL;
    s->count = 0;
    if (points < FEW) return 0;
    /* One piece of memory for both: the buckets' size is a multiple of 64. */
    s->buckets = aligned_alloc(64, BUCKETS_SIZE + (sizeof(waiting) + 63) / 64 * 64);
    if (!s->buckets) return -1;
    s->wait = (waiting *)((uint8_t *)s->buckets + BUCKETS_SIZE);
    point zero = point_identity();
    v row[ROW];
    point_pack(row, &zero);
    uint64_t words[ROW][LANES];
    for (int i = 0; i < ROW; i++) v_store(words[i], row[i]);
    for (size_t at = 0; at < (size_t)WINDOWS * BUCKETS; at++)
        for (int i = 0; i < ROW; i++) s->buckets[at * ROW + i] = words[i][0];
    return 0;
}
INLINE void sum_rows(const public_sum *s, int group, const uint8_t *magnitudes, uint64_t *rows[LANES]) {
    for (int lane = 0; lane < LANES; lane++) {
        size_t window = (size_t)(group * LANES + lane);
        rows[lane] = s->buckets + (window * BUCKETS + magnitudes[lane]) * ROW;
    }
}
static __attribute__((noinline)) void sum_group(public_sum *s, int group) {
    for (int i = 0; i < s->count; i++) {
        const windows *k = &s->wait->scalars[i];
        uint64_t *rows[LANES];
        v words[ROW];
        sum_rows(s, group, k->magnitude + group * LANES, rows);
        v_load_rows(words, (const uint64_t *const *)rows);
        const affine p = affine_broadcast(s->wait->points[i]);
        point bucket = point_unpack(words);
        affine q = affine_negate_if(v_equal(v_bytes(k->negative + group * LANES), v_set1(1)), &p);
        point_add_affine(&bucket, &bucket, &q);
        point_pack(words, &bucket);
        v_store_rows(rows, words);
    }
}
static void sum_waiting(public_sum *s) {
    for (int group = 0; group < GROUPS; group++) sum_group(s, group);
    s->count = 0;
}
/* Adds scalar · point for the first `count` lanes of p, which has z = 1. Scalars are reduced. */
static void sum_add(public_sum *s, const point *p, const uint8_t scalars[LANES][32], int count) {
    if (s->buckets) {
        _Alignas(64) uint64_t memory[LANES][ROW];
        uint64_t *rows[LANES];
        v words[ROW];
        affine a = affine_of(p);
        affine_pack(words, &a);
        for (int i = AFFINE_WORDS; i < ROW; i++) words[i] = v_set1(0);
        for (int lane = 0; lane < LANES; lane++) rows[lane] = memory[lane];
        v_store_rows(rows, words);
        for (int lane = 0; lane < count; lane++) {
            memcpy(s->wait->points[s->count], memory[lane], sizeof memory[lane]);
            windows_of(&s->wait->scalars[s->count], scalars[lane]);
            if (++s->count == WAITING) sum_waiting(s);
        }
    } else {
        digits k;
        point product;
        addend q;
        memset(&k, 0, sizeof k); /* zero for the lanes beyond */
        for (int lane = 0; lane < count; lane++) digits_of(&k, lane, scalars[lane]);
        point_multiply(&product, p, &k);
        addend_of(&q, &product);
        point_add(&s->few, &s->few, &q, 1);
    }
}
/* The sum in every lane; gives back the memory. */
static point sum_end(public_sum *s) {
    _Alignas(64) uint64_t memory[WINDOWS][ROW];
    uint64_t *rows[LANES];
    v words[ROW];
    point total = point_identity();
    if (!s->buckets) {
        for (int lane = 0; lane < LANES; lane++) rows[lane] = memory[lane];
        point_pack(words, &s->few);
        v_store_rows(rows, words);
        for (int lane = 0; lane < LANES; lane++) {
            point p = point_broadcast(memory[lane]);
            add_to(&total, &p);
        }
        return total;
    }
    sum_waiting(s);
    for (int group = 0; group < GROUPS; group++) { /* Σ j·bucket[j], by sums of sums from the highest down */
        point running = point_identity(), weighted = point_identity();
        for (int magnitude = BUCKETS - 1; magnitude > 0; magnitude--) {
            uint8_t same[LANES];
            memset(same, magnitude, LANES);
            sum_rows(s, group, same, rows);
            v_load_rows(words, (const uint64_t *const *)rows);
            point bucket = point_unpack(words);
            add_to(&running, &bucket);
            add_to(&weighted, &running);
        }
        for (int lane = 0; lane < LANES; lane++) rows[lane] = memory[group * LANES + lane];
        point_pack(words, &weighted);
        v_store_rows(rows, words);
    }
    for (int window = WINDOWS - 1; window >= 0; window--) {
        double_four_times(&total);
        double_four_times(&total);
        point p = point_broadcast(memory[window]);
        add_to(&total, &p);
    }
    free(s->buckets);
    s->buckets = NULL;
    return total;
}
#endif
