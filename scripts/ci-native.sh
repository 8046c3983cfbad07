# Sourced by the CI scripts.

# Compiles native modules against the headers that came with a Node, where it came with any: a prebuilt binary would have
# to come from GitHub, and headers from nodejs.org.
compile_with_headers_of() {
  local prefix
  prefix="$(dirname "$(dirname "$(realpath "$1")")")"
  [[ -e "$prefix/include/node/node.h" ]] || return 0
  export npm_config_nodedir="$prefix" npm_config_build_from_source=true
}
