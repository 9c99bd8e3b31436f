#include "dtypes.h"

// A float rounded to nearest even into `exponent` and `fraction` bits. `special` is the code from which on values
// do not fit: `overflow` stands for them, `nan` for NaN.
template <int EXPONENT, int FRACTION> static u32 narrow(float f, u32 special, u32 overflow, u32 nan) {
    const int bias = (1 << (EXPONENT - 1)) - 1, shift = 23 - FRACTION;
    u32 u = bits_of_float(f), sign = (u >> 31) << (EXPONENT + FRACTION), code;
    u &= 0x7fffffffu;
    if (u > 0x7f800000u) return sign | nan;
    if (u >= 0x7f800000u) return sign | overflow;
    if (u < (u32)(128 - bias) << 23) {
        // Adding 2^(23 - FRACTION + 1 - bias) lets the hardware round a subnormal result.
        u32 magic = (u32)(127 - bias + shift + 1) << 23;
        code = bits_of_float(float_of_bits(u) + float_of_bits(magic)) - magic;
    } else {
        u32 odd = (u >> shift) & 1;
        code = (u + ((u32)(bias - 127) << 23) + ((1u << (shift - 1)) - 1) + odd) >> shift;
    }
    return sign | (code >= special ? overflow : code);
}
u16 f16_bits(float f) { return (u16)narrow<5, 10>(f, 0x7c00, 0x7c00, 0x7e00); }
u16 bf16_bits(float f) {
    u32 u = bits_of_float(f);
    if ((u & 0x7fffffffu) > 0x7f800000u) return 0x7fc0;
    return (u16)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}
// No infinity: what does not fit saturates, on the device too.
u8 e4m3_bits(float f) { return (u8)narrow<4, 3>(f, 0x7f, 0x7e, 0x7f); }
u8 e5m2_bits(float f) { return (u8)narrow<5, 2>(f, 0x7c, 0x7c, 0x7f); }

float e4m3_value(u8 b) {
    u32 sign = (u32)(b & 0x80) << 24, exponent = (b >> 3) & 15, fraction = b & 7;
    if ((b & 0x7f) == 0x7f) return float_of_bits(sign | 0x7fc00000u);
    if (exponent == 0) return float_of_bits(sign | bits_of_float((float)fraction * 0.001953125f));
    return float_of_bits(sign | ((exponent + 120) << 23) | (fraction << 20));
}
float e5m2_value(u8 b) { return f16_value((u16)((u16)b << 8)); }

u8 e8m0_bits(float f) {
    u32 u = bits_of_float(f) & 0x7fffffffu, exponent = u >> 23, fraction = u & 0x7fffff;
    if (u > 0x7f800000u) return 0xff;
    bool exact = fraction == 0 || (exponent == 0 && fraction <= 0x400000);
    return (u8)(exponent >= 254 ? 254 : exponent + !exact);
}
float e8m0_value(u8 b) {
    return float_of_bits(b == 0xff ? 0x7fc00000u : b == 0 ? 0x400000u : (u32)b << 23);
}
u32 tf32_bits(float f) {
    u32 u = bits_of_float(f);
    return (u & 0x7f800000u) == 0x7f800000u ? u : (u + 0x1000) & 0xffffe000u;
}
float odd_fma(float a, float b, float c) {
    double exact = __builtin_fma((double)a, (double)b, (double)c);
    float f = (float)exact;
    u32 u = bits_of_float(f);
    if ((double)f == exact || exact != exact || (u & 1) || (u & 0x7fffffffu) == 0x7f800000u) return f;
    // Rounded to an even neighbour: the other one, on the far side of the exact value, is odd.
    bool away = (exact < 0 ? -exact : exact) > (double)(f < 0 ? -f : f);
    return u & 0x7fffffffu ? float_of_bits(away ? u + 1 : u - 1) : float_of_bits(u | 1);
}
