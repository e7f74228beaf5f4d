/* Does the time depend on the secret? A statistical test (Reparaz, Balasch, Verbauwhede: "dude, is my code constant
 * time?", DATE 2017), for the steps that touch a blind or a share.
 *
 * Two classes of secrets take turns at random: a fixed one, chosen so that any branch or early exit on digits, zeros or
 * carries would show, and random ones. Welch's t-test on the cycles, also with the slowest measurements cut off, since
 * those are interrupts. |t| above 10 says that the classes can be told apart (4.5 would be suspicious on a quiet machine).
 * Exit status 1 then. Usage: timing MEASUREMENTS
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "../src/backend.h"
#include "../src/scalar.h"

#define N 8
#define CUTS 12
typedef struct { double n[2], mean[2], m2[2]; } welch;

static void push(welch *w, int class, double x) {
    double delta = x - w->mean[class];
    w->n[class] += 1;
    w->mean[class] += delta / w->n[class];
    w->m2[class] += delta * (x - w->mean[class]);
}
static double t_of(const welch *w) {
    double a = w->m2[0] / (w->n[0] - 1), b = w->m2[1] / (w->n[1] - 1);
    return (w->mean[0] - w->mean[1]) / sqrt(a / w->n[0] + b / w->n[1]);
}
static uint64_t state = 88172645463325252;
static uint64_t dice(void) { /* xorshift: which class is next need not be secret */
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}
static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}
static uint8_t elements[32 * N], out[64 * N], secrets[2][64 * N];
static const backend *under_test;
static uint8_t sums[320 * N]; /* of N elements, in the own form of any backend */
static const bytes inputs[N] = {{elements, 32}, {elements, 32}, {elements, 32}, {elements, 32},
                                {elements, 32}, {elements, 32}, {elements, 32}, {elements, 32}};
static void do_multiply(const uint8_t *k) { long bad; under_test->multiply(&bad, out, k, 32, elements, N); }
static void do_blind(const uint8_t *k) { under_test->hash_to_group(out, (bytes){elements, 8}, inputs, k, N); }
static void do_finalize(const uint8_t *k) { under_test->finalize(out, inputs, k, elements, sums, N); }
static void do_evaluate(const uint8_t *k) {
    long bad;
    weighing how = {{elements, 8}, {elements, 32}, 0};
    under_test->evaluate(&bad, out, out + 32 * N, k, &how, elements, N);
}
static void do_reduce(const uint8_t *k) {
    for (int i = 0; i < N; i++) scalar_store(out + 32 * i, scalar_load_wide(k + 32 * i % 256));
}

/* As wrong as can be: shows that the test would see it. */
static void do_leak(const uint8_t *k) {
    volatile int work = 0;
    for (int i = 0; i < 32 * N; i++)
        if (k[i] & 1) work++;
}

static double measure(void (*step)(const uint8_t *), size_t count) {
    uint64_t *cycles = malloc(count * sizeof *cycles), *sorted = malloc(count * sizeof *sorted);
    uint8_t *class = malloc(count);
    for (size_t i = 0; i < count; i++) {
        class[i] = dice() & 1;
        /* Both classes are written to the same place, with the same work. */
        static uint8_t secret[64 * N], fresh[64];
        for (int j = 0; j < 2 * N; j++) {
            for (int b = 0; b < 64; b += 8) { uint64_t r = dice(); memcpy(fresh + b, &r, 8); }
            uint8_t reduced[32];
            scalar_store(reduced, scalar_load_wide(fresh));
            for (int b = 0; b < 32; b++) {
                uint8_t mask = (uint8_t)(0 - class[i]);
                secret[32 * j + b] = (uint8_t)((reduced[b] & mask) | (secrets[0][32 * j + b] & ~mask));
            }
        }
        unsigned unused;
        uint64_t before = __rdtscp(&unused);
        _mm_lfence();
        step(secret);
        uint64_t after = __rdtscp(&unused);
        _mm_lfence();
        sorted[i] = cycles[i] = after - before;
    }
    qsort(sorted, count, sizeof *sorted, by_value);
    double worst = 0;
    for (int cut = 0; cut < CUTS; cut++) { /* from the fastest half to all */
        uint64_t limit = sorted[(size_t)((double)(count - 1) * (1 - 0.5 * cut / (CUTS - 1)))];
        welch w = {{0}, {0}, {0}};
        for (size_t i = 0; i < count; i++)
            if (cycles[i] <= limit) push(&w, class[i], (double)cycles[i]);
        double t = fabs(t_of(&w));
        if (t > worst) worst = t;
    }
    free(cycles), free(sorted), free(class);
    return worst;
}

int main(int argc, char **argv) {
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
    static const backend *const all[] = {&sluis_ifma, &sluis_avx2, &sluis_portable};
    static const struct { const char *name; void (*step)(const uint8_t *); } steps[] = {
        {"multiply", do_multiply}, {"blind", do_blind}, {"evaluate", do_evaluate}, {"finalize", do_finalize},
        {"reduce", do_reduce}};
    int failed = 0;
    __builtin_cpu_init();
    for (size_t i = 0; i < sizeof secrets[0] / 32; i++) secrets[0][32 * i] = 1; /* one: zeros in all digits but one */
    for (int which = 0; which < 3; which++) {
        if (which == 0 && !__builtin_cpu_supports("avx512ifma")) continue;
        if (which == 1 && !__builtin_cpu_supports("avx2")) continue;
        under_test = all[which];
        uint8_t wide[64 * N];
        for (size_t i = 0; i < sizeof wide; i++) wide[i] = (uint8_t)dice();
        under_test->from_uniform(elements, wide, N);
        const uint8_t *const answers[1] = {elements};
        const weighing how = {{elements, 8}, {elements, 32}, 0};
        long bad;
        under_test->verify(&bad, sums, wide, &how, wide, elements, answers, 1, N);
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            double t = measure(steps[i].step, count);
            printf("%-9s %-9s |t| = %6.2f%s\n", under_test->name, steps[i].name, t, t > 10 ? "  LEAKS" : "");
            failed |= t > 10;
        }
    }
    double t = measure(do_leak, count);
    printf("%-9s %-9s |t| = %6.2f%s\n", "planted", "leak", t, t > 10 ? "  seen, as it should be" : "  NOT SEEN");
    return failed || t <= 10;
}
