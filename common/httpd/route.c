#include "private.h"
#include <stdlib.h>

bool ear_path_cut(struct path *path, const char *url)
{
    struct ear_str rest = ear_str_from(url), part;
    path->count = 0;
    if (rest.len == 0 || rest.ptr[0] != '/') return false;
    rest = (struct ear_str){rest.ptr + 1, rest.len - 1};
    while (ear_str_split(&rest, '/', &part)) {
        if (path->count == SEGMENTS_MAX) return false;
        path->parts[path->count++] = part;
    }
    return true;
}

static bool is_open(struct ear_str part)
{
    return part.len > 2 && part.ptr[0] == '{' && part.ptr[part.len - 1] == '}';
}

static bool matches(const struct path *pattern, const struct path *path)
{
    if (pattern->count != path->count) return false;
    for (size_t i = 0; i < path->count; i++) {
        struct ear_str want = pattern->parts[i], have = path->parts[i];
        if (is_open(want) ? have.len == 0 : !ear_str_eq(want, have)) return false;
    }
    return true;
}

struct route *ear_route_new(const struct ear_httpd_route *def)
{
    struct route *route = ear_alloc(sizeof(*route));
    route->def = *def;
    route->def.method = ear_strdup(def->method);
    route->def.path = ear_strdup(def->path);
    EAR_CHECK(ear_path_cut(&route->path, route->def.path));
    return route;
}

void ear_route_free_all(struct route **routes)
{
    while (*routes) {
        struct route *route = *routes;
        *routes = route->next;
        free((void *)(uintptr_t)route->def.method);
        free((void *)(uintptr_t)route->def.path);
        free(route);
    }
}

static bool method_fits(const struct route *route, const char *method)
{
    const char *own = route->def.method;
    return strcmp(own, method) == 0 || (strcmp(own, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

const struct route *ear_route_find(const struct route *routes, const char *method,
                                   const struct path *path, struct ear_buf *allow)
{
    for (const struct route *route = routes; route; route = route->next) {
        if (!matches(&route->path, path)) continue;
        if (method_fits(route, method)) return route;
        if (ear_buf_printf(allow, "%s%s", allow->len ? ", " : "", route->def.method) != EAR_OK) {
            break;
        }
    }
    return NULL;
}

/* Same position in the pattern and in what came. */
struct ear_str ear_httpd_segment(const struct ear_httpd_request *request, const char *name)
{
    size_t len = strlen(name);
    const struct path *pattern = &request->route->path;
    for (size_t i = 0; i < pattern->count; i++) {
        struct ear_str part = pattern->parts[i];
        if (is_open(part) && part.len == len + 2 && memcmp(part.ptr + 1, name, len) == 0) {
            return request->path.parts[i];
        }
    }
    return EAR_STR_NONE;
}
