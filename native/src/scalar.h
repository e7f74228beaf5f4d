/* Scalars: numbers modulo the order of the group, 32 bytes little-endian. Constant time. */
#ifndef SLUIS_SCALAR_H
#define SLUIS_SCALAR_H
#include <stddef.h>
#include <stdint.h>

typedef struct { uint64_t w[4]; } scalar;

scalar scalar_load(const uint8_t from[32]);             /* any 256 bits, reduced */
scalar scalar_load_wide(const uint8_t from[64]);        /* any 512 bits, reduced */
void scalar_store(uint8_t to[32], scalar a);
scalar scalar_add(scalar a, scalar b);                  /* of reduced ones, as all below */
scalar scalar_subtract(scalar a, scalar b);
scalar scalar_multiply(scalar a, scalar b);
scalar scalar_prepare(scalar a);                        /* for a factor that is used often: ... */
scalar scalar_multiply_prepared(scalar a, scalar b);    /* ... a·b where b was prepared */
/* A number that is half of it modulo the order: below 2^254.3, bit 255 ignored. */
void scalar_halve(uint8_t to[32], const uint8_t from[32]);
/* All inverses with one inversion (Montgomery's trick). -1 if one is zero. `to` may not be `from`. */
int scalar_invert_all(uint8_t *to, const uint8_t *from, size_t count);

/* Overwrites what the compiler would leave, and the part of the stack below the caller's frame. */
void sluis_wipe(void *memory, size_t size);
void sluis_wipe_stack(void);
#endif
