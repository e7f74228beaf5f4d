/* Are the bounds right? The field headers, the curve and the sums, run on intervals: cc -DFIELD='"field_ifma.h"'.
 *
 * Random tests can't show it: some carries matter only for limbs so close to their maximum that nobody ever meets them
 * by chance (once in 2^47). Here every limb is every number that it could be, at once. Steps that are repeated on
 * their own results (doublings, sums, buckets) are run until the bounds no longer grow, so they hold for any number of
 * repetitions. Exit status 1, and what is wrong where, if a bound is broken.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lanes_interval.h"

#include FIELD
#include "field.h"
#include "curve.h"
#include "digits.h"
#include "msm.h"

#define LIMBS ((int)(sizeof(fe) / sizeof(v)))
#define ROUNDS 16

static fe any_encoding(void) { /* what fe_load gives */
    v l[5];
    for (int i = 0; i < 5; i++) l[i] = (v){0, ((u128)1 << 51) - 1};
    return fe_from51(l);
}
static fe join(fe a, fe b) {
    for (int i = 0; i < LIMBS; i++) a.l[i] = hull(a.l[i], b.l[i]);
    return a;
}
static point join_points(point a, point b) {
    return (point){join(a.x, b.x), join(a.y, b.y), join(a.z, b.z), join(a.t, b.t)};
}
static void check_packed(fe a) { /* what fe_pack keeps */
    for (int i = 0; i < LIMBS; i++) check(LIMBS == 5 || a.l[i].high >> 32 == 0, "a limb that can't be packed");
}
static void check_point(const point *p) {
    check_packed(p->x), check_packed(p->y), check_packed(p->z), check_packed(p->t);
}
/* The hull of p and of all that `step` makes of it, again and again. */
static point closure(point p, const char *what, void (*step)(point *, const void *), const void *other) {
    doing = what;
    for (int round = 0; round < ROUNDS; round++) {
        point q = p;
        step(&q, other);
        q = join_points(p, q);
        if (memcmp(&p, &q, sizeof p) == 0) return p;
        p = q;
    }
    check(0, "bounds that keep growing");
    return p;
}
static void double_it(point *p, const void *unused) { (void)unused, point_double(p, p, 1); }
static void add_it(point *p, const void *other) { add_to(p, other); }
static void add_itself(point *p, const void *unused) {
    point q = *p;
    (void)unused, add_to(p, &q);
}
static void add_multiple(point *p, const void *other) {
    affine q = affine_negate_if(0, other);
    point_add_affine(p, p, &q);
}
static void add_affine(point *p, const void *other) {
    affine a = affine_of(other);
    check_packed(a.y_plus_x), check_packed(a.y_minus_x), check_packed(a.td2);
    add_multiple(p, &a);
    check_point(p);
}
static void freeze(fe a) {
    v l[5];
    fe_freeze(l, a);
    for (int i = 0; i < 5; i++) check(l[i].high >> 51 == 0, "a canonical limb beyond 51 bits");
}

int main(void) {
    point decoded[2], mapped[2], identity = point_identity();
    vm good[2];
    fe s[2] = {any_encoding(), any_encoding()};

    doing = "decode";
    point_decode(decoded, good, s, 2);
    doing = "the one-way map";
    point_map(mapped, s, 2);
    point all = join_points(join_points(decoded[0], mapped[0]), identity);
    all = closure(all, "additions", add_itself, NULL);
    all = closure(all, "doublings", double_it, NULL);
    all = closure(all, "additions again", add_itself, NULL);

    doing = "the table";
    addend table[8];
    table_of(table, &all);
    doing = "the look-up";
    addend q = table_look_up(table, (v){0, 8}, 0);
    point product = all;
    doing = "the multiplication";
    for (int round = 0; round < DIGITS; round++) {
        double_four_times(&product);
        point_add(&product, &product, &q, 1);
    }
    digits k;
    memset(&k, 0, sizeof k);
    point_multiply(&product, &all, &k);
    product = join_points(product, all);

    affine multiples[MULTIPLES];
    doing = "the comb's multiples";
    affine_multiples(multiples, &product);
    point by_comb = all;
    for (int j = 0; j < MULTIPLES; j++) {
        check_packed(multiples[j].y_plus_x), check_packed(multiples[j].y_minus_x), check_packed(multiples[j].td2);
        by_comb = closure(by_comb, "additions from the comb", add_multiple, &multiples[j]);
    }
    product = join_points(product, by_comb);

    doing = "encode";
    point both[2] = {product, product};
    point_encode(s, both, 2);
    freeze(s[0]);
    doing = "double and encode";
    halfway half;
    halfway_of(&half, &product);
    fe inverse = fe_invert(join(fe_const(ONE), mul(half.product, half.product)));
    freeze(halfway_encode(&half, mul(inverse, half.product)));

    point bucket = closure(join_points(identity, all), "the buckets", add_affine, &decoded[0]);
    point running = closure(identity, "the sums of buckets", add_it, &bucket);
    point weighted = closure(identity, "the sums of sums", add_it, &running);
    check_point(&running), check_point(&weighted);
    closure(closure(weighted, "the windows", double_it, NULL), "their sum", add_it, &weighted);

    int bits = 0;
    while (largest >> bits) bits++;
    printf("%s: no limb ever has more than %d of 64 bits\n", FIELD, bits);
    return 0;
}
