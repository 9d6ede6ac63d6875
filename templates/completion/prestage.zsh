#compdef prestage
# zsh completion for prestage: eval "$(prestage completion zsh)" after compinit, or a file _prestage in a folder of fpath
_prestage() {
  local line
  local -a found
  while IFS= read -r line; do
    case $line in
      :files) _files; return ;;
      :folders) _files -/; return ;;
      *) found+=("${${line//:/\\:}/$'\t'/:}") ;;
    esac
  done < <(prestage completion zsh --word="${words[CURRENT]}" -- "${(@)words[2,CURRENT-1]}" 2>/dev/null)
  _describe prestage found
}
if [[ ${funcstack[1]} == _prestage ]]; then _prestage; else compdef _prestage prestage; fi
