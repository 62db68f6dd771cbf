#include "care/yaml_tree.h"

#include <stdlib.h>
#include <yaml.h>

struct ear_yaml {
    yaml_document_t document;
};

/* ear_yaml_node is never defined: a pointer to it is a pointer to libyaml's node. */
static const yaml_node_t *inside(const struct ear_yaml_node *node)
{
    return (const yaml_node_t *)(const void *)node;
}

static const struct ear_yaml_node *outside(const yaml_node_t *node)
{
    return (const struct ear_yaml_node *)(const void *)node;
}

static const struct ear_yaml_node *by_number(struct ear_yaml *yaml, int number)
{
    return outside(yaml_document_get_node(&yaml->document, number));
}

static ear_err parse_failed(const yaml_parser_t *parser, struct ear_diag *diag)
{
    return ear_fail(diag, EAR_INVALID, "line %zu: not valid YAML: %s",
                    parser->problem_mark.line + 1,
                    parser->problem ? parser->problem : "unreadable");
}

static ear_err only_one(yaml_parser_t *parser, struct ear_diag *diag)
{
    yaml_document_t rest;
    if (!yaml_parser_load(parser, &rest)) return parse_failed(parser, diag);
    bool more = yaml_document_get_root_node(&rest) != NULL;
    yaml_document_delete(&rest);
    return more ? ear_fail(diag, EAR_INVALID, "more than one document: keep one") : EAR_OK;
}

ear_err ear_yaml_load(struct ear_str text, struct ear_yaml **out, struct ear_diag *diag)
{
    yaml_parser_t parser;
    EAR_CHECK(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
    struct ear_yaml *yaml = ear_alloc(sizeof(*yaml));
    ear_err err = EAR_OK;
    if (!yaml_parser_load(&parser, &yaml->document)) {
        err = parse_failed(&parser, diag);
        EAR_FREE(yaml);
        goto out;
    }
    if (!yaml_document_get_root_node(&yaml->document))
        err = ear_fail(diag, EAR_INVALID, "line 1: the file is empty");
    else
        err = only_one(&parser, diag);
    if (err) ear_yaml_free(&yaml);
out:
    yaml_parser_delete(&parser);
    *out = yaml;
    return err;
}

void ear_yaml_free(struct ear_yaml **yaml)
{
    if (!*yaml) return;
    yaml_document_delete(&(*yaml)->document);
    EAR_FREE(*yaml);
}

const struct ear_yaml_node *ear_yaml_root(struct ear_yaml *yaml)
{
    return outside(yaml_document_get_root_node(&yaml->document));
}

ear_yaml_type ear_yaml_type_of(const struct ear_yaml_node *node)
{
    switch (inside(node)->type) {
    case YAML_SEQUENCE_NODE:
        return EAR_YAML_LIST;
    case YAML_MAPPING_NODE:
        return EAR_YAML_MAP;
    default:
        return EAR_YAML_SCALAR;
    }
}

size_t ear_yaml_line(const struct ear_yaml_node *node)
{
    return inside(node)->start_mark.line + 1;
}

struct ear_str ear_yaml_scalar(const struct ear_yaml_node *node)
{
    const yaml_node_t *n = inside(node);
    if (n->type != YAML_SCALAR_NODE) return EAR_STR_NONE;
    return (struct ear_str){(const char *)n->data.scalar.value, n->data.scalar.length};
}

size_t ear_yaml_count(const struct ear_yaml_node *node)
{
    const yaml_node_t *n = inside(node);
    if (n->type == YAML_SEQUENCE_NODE)
        return (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    if (n->type == YAML_MAPPING_NODE)
        return (size_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start);
    return 0;
}

const struct ear_yaml_node *ear_yaml_item(struct ear_yaml *yaml, const struct ear_yaml_node *list,
                                          size_t at)
{
    return by_number(yaml, inside(list)->data.sequence.items.start[at]);
}

const struct ear_yaml_node *ear_yaml_key(struct ear_yaml *yaml, const struct ear_yaml_node *map,
                                         size_t at)
{
    return by_number(yaml, inside(map)->data.mapping.pairs.start[at].key);
}

const struct ear_yaml_node *ear_yaml_value(struct ear_yaml *yaml, const struct ear_yaml_node *map,
                                           size_t at)
{
    return by_number(yaml, inside(map)->data.mapping.pairs.start[at].value);
}
