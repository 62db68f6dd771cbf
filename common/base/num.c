#include "base/num.h"

ear_err ear_num_u64(struct ear_str s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (s.len == 0) return EAR_INVALID;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return EAR_INVALID;
        if (__builtin_mul_overflow(value, 10, &value)) return EAR_INVALID;
        if (__builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value)) return EAR_INVALID;
    }
    if (value > max) return EAR_INVALID;
    *out = value;
    return EAR_OK;
}

ear_err ear_num_i64(struct ear_str s, int64_t min, int64_t max, int64_t *out)
{
    bool minus = s.len > 0 && s.ptr[0] == '-';
    if (minus) s = (struct ear_str){s.ptr + 1, s.len - 1};
    uint64_t size;
    ear_err err = ear_num_u64(s, (uint64_t)INT64_MAX + minus, &size);
    if (err) return err;
    /* Negated while unsigned: INT64_MIN has no positive twin. */
    int64_t value = (int64_t)(minus ? 0 - size : size);
    if (value < min || value > max) return EAR_INVALID;
    *out = value;
    return EAR_OK;
}

struct unit {
    struct ear_str name;
    int64_t factor;
};

/* A number and the unit behind its digits; units end with a nameless one. */
static ear_err num_with_unit(struct ear_str s, const struct unit *units, int64_t min, int64_t max,
                             int64_t *out)
{
    size_t digits = 0;
    while (digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9') digits++;
    int64_t value;
    ear_err err = ear_num_i64((struct ear_str){s.ptr, digits}, 0, INT64_MAX, &value);
    if (err) return err;
    struct ear_str name = {s.ptr + digits, s.len - digits};
    while (units->name.len && !ear_str_eq(units->name, name)) units++;
    if (!ear_str_eq(units->name, name)) return EAR_INVALID;
    if (__builtin_mul_overflow(value, units->factor, &value)) return EAR_INVALID;
    if (value < min || value > max) return EAR_INVALID;
    *out = value;
    return EAR_OK;
}

ear_err ear_num_duration_ms(struct ear_str s, int64_t min, int64_t max, int64_t *out)
{
    static const struct unit units[] = {
        {{"ms", 2}, 1},      {{"s", 1}, 1000},     {{"m", 1}, 60000},
        {{"h", 1}, 3600000}, {{"d", 1}, 86400000}, {{"", 0}, 1},
    };
    return num_with_unit(s, units, min, max, out);
}

ear_err ear_num_size(struct ear_str s, int64_t min, int64_t max, int64_t *out)
{
    static const struct unit units[] = {
        {{"KiB", 3}, 1 << 10},
        {{"MiB", 3}, 1 << 20},
        {{"GiB", 3}, 1 << 30},
        {{"", 0}, 1},
    };
    return num_with_unit(s, units, min, max, out);
}
