/* The curve and ristretto255 (RFC 9496), once for all fields: LANES points at a time.
 *
 * Everything here runs in constant time: no branch, no index and no gather depends on a scalar or a point. Formulas:
 * Hisil, Wong, Carter, Dawson (Asiacrypt 2008) for a = -1, which are complete: no special cases.
 */
typedef struct { fe x, y, z, t; } point;                    /* x/z, y/z and t = xy/z */
typedef struct { fe y_plus_x, y_minus_x, z2, td2; } addend; /* y+x, y-x, 2z, 2dt */

INLINE point point_identity(void) {
    fe zero = fe_const(ZERO), one = fe_const(ONE);
    return (point){zero, one, one, zero};
}
INLINE void addend_of(addend *r, const point *p) {
    r->y_plus_x = fe_add(p->y, p->x);
    r->y_minus_x = fe_sub(p->y, p->x);
    r->z2 = fe_add(p->z, p->z);
    const fe d2 = fe_const(TWICE_D);
    fe_product(&r->td2, &p->t, &d2);
}
/* x = EF, y = GH, z = FG, t = EH. Without t where only doublings follow. */
INLINE void point_finish(point *r, fw e, fw f, fw g, fw h, int with_t) {
    fe ec = fe_carry(e), fc = fe_carry(f), gc = fe_carry(g), hc = fe_carry(h);
    fe_product(&r->x, &ec, &fc);
    fe_product(&r->y, &hc, &gc);
    fe_product(&r->z, &gc, &fc);
    if (with_t) fe_product(&r->t, &hc, &ec);
}
/* All of E, F, G, H with the opposite sign: it cancels in the products. */
INLINE void point_double(point *r, const point *p, int with_t) {
    fe sum = fe_add(p->x, p->y);
    fw xx, yy, zz, both;
    fw_square(&xx, &p->x);
    fw_square(&yy, &p->y);
    fw_square(&zz, &p->z);
    fw_square(&both, &sum);
    fw h = fw_add(xx, yy), g = fw_sub(xx, yy);
    fw e = fw_sub(h, both), f = fw_add(fw_add(zz, zz), g);
    point_finish(r, e, f, g, h, with_t);
}
INLINE void point_add(point *r, const point *p, const addend *q, int with_t) {
    fe minus = fe_sub(p->y, p->x), plus = fe_add(p->y, p->x);
    fw a, b, c, d;
    fw_product(&a, &minus, &q->y_minus_x);
    fw_product(&b, &plus, &q->y_plus_x);
    fw_product(&c, &p->t, &q->td2);
    fw_product(&d, &p->z, &q->z2);
    point_finish(r, fw_sub(b, a), fw_sub(d, c), fw_add(d, c), fw_add(b, a), with_t);
}
static __attribute__((noinline)) void add_to(point *r, const point *p) {
    addend q;
    addend_of(&q, p);
    point_add(r, r, &q, 1);
}
INLINE addend addend_select(vm m, const addend *yes, const addend *no) {
#ifdef V_SELECT_MANY
    addend r;
    v_select_many(&r, m, yes, no, sizeof r / sizeof(v));
    return r;
#else
    return (addend){fe_select(m, yes->y_plus_x, no->y_plus_x), fe_select(m, yes->y_minus_x, no->y_minus_x),
                    fe_select(m, yes->z2, no->z2), fe_select(m, yes->td2, no->td2)};
#endif
}
INLINE addend addend_negate_if(vm m, const addend *a) {
    return (addend){fe_select(m, a->y_minus_x, a->y_plus_x), fe_select(m, a->y_plus_x, a->y_minus_x), a->z2,
                    fe_negate_if(m, a->td2)};
}

/* An addend with z = 1, and as fifteen words of memory. */
typedef struct { fe y_plus_x, y_minus_x, td2; } affine;
#define AFFINE_WORDS 15

INLINE affine affine_of(const point *p) {
    return (affine){fe_add(p->y, p->x), fe_sub(p->y, p->x), mul(p->t, fe_const(TWICE_D))};
}
INLINE void affine_pack(v words[AFFINE_WORDS], const affine *a) {
    fe_pack(words, a->y_plus_x);
    fe_pack(words + 5, a->y_minus_x);
    fe_pack(words + 10, a->td2);
}
INLINE affine affine_unpack(const v words[AFFINE_WORDS]) {
    return (affine){fe_unpack(words), fe_unpack(words + 5), fe_unpack(words + 10)};
}
INLINE affine affine_negate_if(vm m, const affine *a) {
    return (affine){fe_select(m, a->y_minus_x, a->y_plus_x), fe_select(m, a->y_plus_x, a->y_minus_x),
                    fe_negate_if(m, a->td2)};
}
INLINE void point_add_affine(point *r, const point *p, const affine *q) {
    fe minus = fe_sub(p->y, p->x), plus = fe_add(p->y, p->x);
    fw a, b, c, d = fw_from(fe_add(p->z, p->z));
    fw_product(&a, &minus, &q->y_minus_x);
    fw_product(&b, &plus, &q->y_plus_x);
    fw_product(&c, &p->t, &q->td2);
    point_finish(r, fw_sub(b, a), fw_sub(d, c), fw_add(d, c), fw_add(b, a), 1);
}

/* Multiplication by a secret scalar a lane. */

#define DIGITS 64 /* signed digits to the base 16: magnitude 0 to 8, and sign */
typedef struct { uint8_t magnitude[DIGITS][LANES], negative[DIGITS][LANES]; } digits;

/* table[j - 1] = jP; all of it is read, whatever the digit. */
INLINE addend table_look_up(const addend table[8], v magnitude, vm negative) {
    fe zero = fe_const(ZERO), one = fe_const(ONE);
    addend r = {one, one, fe_const(TWO), zero};
    for (int j = 1; j <= 8; j++) r = addend_select(v_equal(magnitude, v_set1((uint64_t)j)), &table[j - 1], &r);
    return addend_negate_if(negative, &r);
}
static __attribute__((noinline)) void table_of(addend table[8], const point *p) {
    point q = *p;
    addend_of(&table[0], p);
    for (int j = 1; j < 8; j++) {
        point_add(&q, &q, &table[0], 1);
        addend_of(&table[j], &q);
    }
}
static __attribute__((noinline)) void double_four_times(point *r) {
    for (int i = 0; i < 3; i++) point_double(r, r, 0);
    point_double(r, r, 1);
}
static __attribute__((noinline)) void point_multiply(point *r, const point *p, const digits *k) {
    addend table[8];
    table_of(table, p);
    *r = point_identity();
    for (int i = DIGITS - 1; i >= 0; i--) {
        double_four_times(r);
        addend q = table_look_up(table, v_bytes(k->magnitude[i]), v_equal(v_bytes(k->negative[i]), v_set1(1)));
        point_add(r, r, &q, i == 0);
    }
}

/* Multiplication of one PUBLIC point by many secret scalars. All 16^i·jP are computed beforehand, so that only
 * additions are left: a quarter of the work. */
#define MULTIPLES 8
typedef struct { uint64_t words[DIGITS][AFFINE_WORDS][MULTIPLES]; } comb;

/* jP for j from 1 on, with z = 1. */
static void affine_multiples(affine to[MULTIPLES], const point *p) {
    point multiple[MULTIPLES];
    fe before[MULTIPLES], product = fe_const(ONE);
    addend first;
    addend_of(&first, p);
    for (int j = 0; j < MULTIPLES; j++) {
        if (j) point_add(&multiple[j], &multiple[j - 1], &first, 1);
        else multiple[j] = *p;
        before[j] = product;
        product = mul(product, multiple[j].z);
    }
    fe inverse = fe_invert(product);
    for (int j = MULTIPLES - 1; j >= 0; j--) {
        fe z = mul(inverse, before[j]);
        inverse = mul(inverse, multiple[j].z);
        point unit = {mul(multiple[j].x, z), mul(multiple[j].y, z), fe_const(ONE), mul(multiple[j].t, z)};
        to[j] = affine_of(&unit);
    }
}
#ifndef SLUIS_INTERVAL /* what follows moves limbs through memory */

/* Of a point that is the same in all lanes. */
static void comb_of(comb *c, const point *p) {
    uint64_t numbers[LANES];
    for (uint64_t lane = 0; lane < LANES; lane++) numbers[lane] = lane;
    point power = *p; /* 16^i·P */
    for (int at = 0; at < DIGITS; at += LANES) {
        point base = power; /* a power a lane */
        affine multiples[MULTIPLES];
        for (int lane = 0; lane < LANES; lane++) {
            vm own = v_equal(v_load(numbers), v_set1((uint64_t)lane));
            base = (point){fe_select(own, power.x, base.x), fe_select(own, power.y, base.y),
                           fe_select(own, power.z, base.z), fe_select(own, power.t, base.t)};
            double_four_times(&power);
        }
        affine_multiples(multiples, &base);
        for (int j = 0; j < MULTIPLES; j++) {
            v words[AFFINE_WORDS];
            affine_pack(words, &multiples[j]);
            for (int i = 0; i < AFFINE_WORDS; i++) {
                uint64_t own[LANES];
                v_store(own, words[i]);
                for (int lane = 0; lane < LANES; lane++) c->words[at + lane][i][j] = own[lane];
            }
        }
    }
}
/* Adds kP, for the point of the comb. */
static __attribute__((noinline)) void comb_add(point *r, const comb *c, const digits *k) {
    for (int i = 0; i < DIGITS; i++) {
        const v magnitude = v_bytes(k->magnitude[i]);
        const vm none = v_equal(magnitude, v_set1(0));
        const place entry = place_of(magnitude);
        v words[AFFINE_WORDS];
        for (int word = 0; word < AFFINE_WORDS; word++) words[word] = v_look_up(c->words[i][word], entry);
        words[0] = v_select(none, v_set1(1), words[0]); /* the identity: y + x = y - x = 1 */
        words[5] = v_select(none, v_set1(1), words[5]);
        affine found = affine_unpack(words);
        affine q = affine_negate_if(v_equal(v_bytes(k->negative[i]), v_set1(1)), &found);
        point_add_affine(r, r, &q);
    }
}
#endif

/* Encodings. */

/* All for one vector of points or for two side by side, as square roots are: n = 1 or 2. */

/* Decode (RFC 9496, 4.3.1) of s, which is canonical and even: that is for the caller. Which lanes are elements. */
static void point_decode(point *r, vm *good, const fe *s, int n) {
    const fe one = fe_const(ONE), ones[PAIR] = {one, one};
    fe u1[PAIR], u2[PAIR], w[PAIR], ratio[PAIR], root[PAIR];
    for (int k = 0; k < n; k++) {
        fe ss = sqr(s[k]);
        u1[k] = fe_sub(one, ss);
        u2[k] = fe_add(one, ss);
        fe u2_sqr = sqr(u2[k]);
        w[k] = fe_sub(fe_neg(mul(fe_const(D), sqr(u1[k]))), u2_sqr);
        ratio[k] = mul(w[k], u2_sqr);
    }
    fe_sqrt_ratio(good, root, ones, ratio, n);
    for (int k = 0; k < n; k++) {
        fe den_x = mul(root[k], u2[k]), den_y = mul(mul(root[k], den_x), w[k]);
        r[k].x = fe_abs(mul(fe_add(s[k], s[k]), den_x));
        r[k].y = mul(u1[k], den_y);
        r[k].z = one;
        r[k].t = mul(r[k].x, r[k].y);
        good[k] = vm_and(good[k], vm_not(vm_or(fe_is_negative(r[k].t), fe_is_zero(r[k].y))));
    }
}
/* Encode (RFC 9496, 4.3.2): s. */
static void point_encode(fe *s, const point *points, int n) {
    const fe i = fe_const(SQRT_M1), one = fe_const(ONE), ones[PAIR] = {one, one};
    fe u1[PAIR], u2[PAIR], ratio[PAIR], root[PAIR];
    vm unused[PAIR];
    for (int k = 0; k < n; k++) {
        const point *p = &points[k];
        u1[k] = mul(fe_add(p->z, p->y), fe_sub(p->z, p->y));
        u2[k] = mul(p->x, p->y);
        ratio[k] = mul(u1[k], sqr(u2[k]));
    }
    fe_sqrt_ratio(unused, root, ones, ratio, n);
    for (int k = 0; k < n; k++) {
        const point *p = &points[k];
        fe den1 = mul(root[k], u1[k]), den2 = mul(root[k], u2[k]), z_inv = mul(mul(den1, den2), p->t);
        vm rotate = fe_is_negative(mul(p->t, z_inv));
        fe x = fe_select(rotate, mul(p->y, i), p->x), y = fe_select(rotate, mul(p->x, i), p->y);
        fe den = fe_select(rotate, mul(den1, fe_const(INVSQRT_A_MINUS_D)), den2);
        y = fe_negate_if(fe_is_negative(mul(x, z_inv)), y);
        s[k] = fe_abs(mul(den, fe_sub(p->z, y)));
    }
}
/* MAP (RFC 9496, 4.3.4): the point of a field element. */
static void point_map(point *r, const fe *t, int n) {
    const fe one = fe_const(ONE), d = fe_const(D);
    fe q[PAIR], u[PAIR], w[PAIR], root[PAIR];
    vm square[PAIR];
    for (int k = 0; k < n; k++) {
        q[k] = mul(fe_const(SQRT_M1), sqr(t[k]));
        u[k] = mul(fe_add(q[k], one), fe_const(ONE_MINUS_D_SQ));
        w[k] = mul(fe_sub(fe_neg(one), mul(q[k], d)), fe_add(q[k], d));
    }
    fe_sqrt_ratio(square, root, u, w, n);
    for (int k = 0; k < n; k++) {
        fe s = fe_select(square[k], root[k], fe_neg(fe_abs(mul(root[k], t[k]))));
        fe c = fe_select(square[k], fe_neg(one), q[k]), ss = sqr(s);
        fe m = fe_sub(mul(mul(c, fe_sub(q[k], one)), fe_const(D_MINUS_ONE_SQ)), w[k]);
        fe w0 = mul(fe_add(s, s), w[k]), w1 = mul(m, fe_const(SQRT_AD_MINUS_ONE));
        fe w2 = fe_sub(one, ss), w3 = fe_add(one, ss);
        r[k] = (point){mul(w0, w3), mul(w2, w1), mul(w1, w3), mul(w0, w2)};
    }
}

/* Encodes 2P for many P with one inversion (Ristretto's "batched double-and-encode", by M. Hamburg): what takes a
 * square root for P takes none for 2P, because the four factors of its coordinates are at hand. So whoever wants kP
 * encoded computes (k/2)P. */
typedef struct { fe e, f, g, h, eg, fh, product, before; vm identity; } halfway;

static void halfway_of(halfway *r, const point *p) {
    fe xx = sqr(p->x), yy = sqr(p->y), zz = sqr(p->z), dtt = mul(sqr(p->t), fe_const(D)), xy = mul(p->x, p->y);
    r->e = fe_add(xy, xy);
    r->f = fe_add(zz, dtt);
    r->g = fe_add(yy, xx);
    r->h = fe_sub(zz, dtt);
    r->eg = mul(r->e, r->g);
    r->fh = mul(r->f, r->h);
    r->product = mul(r->eg, r->fh);
    /* The identity, by any of its four points, has eg = 0 (fh never is): it must not spoil the common inverse. */
    r->identity = fe_is_zero(r->product);
    r->product = fe_select(r->identity, fe_const(ONE), r->product);
}
/* s of 2P, given the inverse of the product. */
static fe halfway_encode(const halfway *p, fe inverse) {
    const fe i = fe_const(SQRT_M1);
    fe z_inv = mul(p->eg, inverse), t_inv = mul(p->fh, inverse);
    vm rotate = fe_is_negative(mul(p->eg, z_inv));
    fe e = fe_select(rotate, p->g, p->e), g = fe_select(rotate, fe_neg(p->e), p->g);
    fe h = fe_select(rotate, mul(p->f, i), p->h), magic = fe_select(rotate, i, fe_const(INVSQRT_A_MINUS_D));
    g = fe_negate_if(fe_is_negative(mul(mul(h, e), z_inv)), g);
    fe s = fe_abs(mul(fe_sub(h, g), mul(magic, mul(g, t_inv))));
    return fe_select(p->identity, fe_const(ZERO), s);
}
/* For `vectors` points: calls fe_store for each. */
static void halfway_encode_all(halfway *all, size_t vectors, uint8_t *const (*to)[LANES]) {
    fe product = fe_const(ONE);
    for (size_t i = 0; i < vectors; i++) {
        all[i].before = product;
        product = mul(product, all[i].product);
    }
    fe inverse = fe_invert(product);
    for (size_t i = vectors; i-- > 0;) {
        fe own = mul(inverse, all[i].before);
        inverse = mul(inverse, all[i].product);
        fe_store(to[i], halfway_encode(&all[i], own));
    }
}
