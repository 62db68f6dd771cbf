/* yaml_tree: a YAML document that remembers its lines: libyaml behind the few words care_file
 * needs. Nodes are borrowed from the tree. */
#ifndef EAR_YAML_TREE_H
#define EAR_YAML_TREE_H

#include "base/base.h"

struct ear_yaml;      /* one document */
struct ear_yaml_node; /* a scalar, a list or a map in it */

typedef enum ear_yaml_type { EAR_YAML_SCALAR, EAR_YAML_LIST, EAR_YAML_MAP } ear_yaml_type;

/* diag says line and reason. Exactly one document. */
ear_err ear_yaml_load(struct ear_str text, struct ear_yaml **out,
                      struct ear_diag *diag) EAR_MUST_CHECK;
void ear_yaml_free(struct ear_yaml **yaml);

const struct ear_yaml_node *ear_yaml_root(struct ear_yaml *yaml);
ear_yaml_type ear_yaml_type_of(const struct ear_yaml_node *node);
size_t ear_yaml_line(const struct ear_yaml_node *node); /* from 1 */
struct ear_str ear_yaml_scalar(const struct ear_yaml_node *node);
size_t ear_yaml_count(const struct ear_yaml_node *node); /* items or pairs */
const struct ear_yaml_node *ear_yaml_item(struct ear_yaml *yaml, const struct ear_yaml_node *list,
                                          size_t at);
const struct ear_yaml_node *ear_yaml_key(struct ear_yaml *yaml, const struct ear_yaml_node *map,
                                         size_t at);
const struct ear_yaml_node *ear_yaml_value(struct ear_yaml *yaml, const struct ear_yaml_node *map,
                                           size_t at);

#endif
