/* Signed digits to the base 16 of a secret scalar, bit 255 ignored, for one lane: -8 to 7, the last one 0 to 8.
 * Constant time. */
static void digits_of(digits *k, int lane, const uint8_t scalar[32]) {
    unsigned carry = 0;
    for (int i = 0; i < DIGITS; i++) {
        const int last = i == DIGITS - 1;
        unsigned nibble = (scalar[i / 2] >> (i % 2 * 4) & (last ? 7 : 15)) + carry; /* 0 to 16 */
        carry = last ? 0 : (nibble + 8) >> 4;
        unsigned minus = 0 - carry, digit = nibble - (carry << 4); /* -8 to 7, modulo 2^32 */
        k->magnitude[i][lane] = (uint8_t)((digit ^ minus) - minus);
        k->negative[i][lane] = (uint8_t)carry;
    }
}
