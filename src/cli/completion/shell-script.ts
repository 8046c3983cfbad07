export type Shell = 'bash' | 'zsh' | 'fish';

/** What a shell runs to complete godel commands: it asks `godel complete` and evaluates nothing of what it is answered. */
export function shellScript(shell: Shell): string {
  return {bash: BASH, zsh: ZSH, fish: FISH}[shell];
}

/** The whole line is handed over, as bash itself splits words at `:` and `=`. Works from bash 3.2 on. */
const BASH = String.raw`# bash completion for godel
_godel() {
  local kind line
  COMPREPLY=()
  {
    IFS= read -r kind
    while IFS= read -r line; do COMPREPLY+=("$line"); done
  } < <(godel complete --bash -- "${'$'}{COMP_LINE:0:COMP_POINT}" "$2" </dev/null 2>/dev/null)
  case $kind in
    files) compopt -o default 2>/dev/null || while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$2") ;;
    folders) compopt -o dirnames 2>/dev/null || while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$2") ;;
  esac
}
complete -F _godel godel
`;

const ZSH = String.raw`#compdef godel
# zsh completion for godel
_godel() {
  local line
  local -a answer values shown
  answer=("${'$'}{(@f)$(godel complete -- "${'$'}{(@Q)words[2,CURRENT]}" </dev/null 2>/dev/null)}")
  case $answer[1] in
    files) compset -P '--*='; _files ;;
    folders) compset -P '--*='; _files -/ ;;
    words)
      for line in "${'$'}{(@)answer[2,-1]}"; do
        values+=("${'$'}{line%%$'\t'*}")
        shown+=("${'$'}{line/$'\t'/  -- }")
      done
      compadd -l -d shown -a -- values
      ;;
  esac
}
if [[ $funcstack[1] == _godel ]]; then
  _godel "$@"
elif (( $+functions[compdef] )); then
  compdef _godel godel
fi
`;

const FISH = String.raw`# fish completion for godel
function __godel_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct)
    set -l answer (godel complete -- $words[2..] (string unescape -- "$token"; or echo -- "$token") </dev/null 2>/dev/null)
    switch "$answer[1]"
        case files folders
            set -l before (string match -r -- '^--[^=]*=' "$token")
            for path in (__fish_complete_path (string replace -r -- '^--[^=]*=' '' "$token"))
                test "$answer[1]" = files; or string match -q -- '*/' (string split -f1 \t -- $path); or continue
                echo -- "$before$path"
            end
        case words
            printf '%s\n' $answer[2..]
    end
end
complete -c godel -f -a '(__godel_complete)'
`;
