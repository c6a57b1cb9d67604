# Completion of skiff's command line for bash.
#
# Commands and options are asked of the program itself (`skiff __options`: command, spelling,
# argument and help, between tabs), so that this file never falls behind it.

# Prints the words of the command line with `--option=argument` put together
# again, which COMP_WORDBREAKS has split, one a line, up to the cursor.
_skiff_words() {
    local i word=""
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == "=" || ($word == *= && ${COMP_WORDS[i]} != -*) ]]; then
            word+=${COMP_WORDS[i]}
        else
            ((i > 1)) && printf '%s\n' "$word"
            word=${COMP_WORDS[i]}
        fi
    done
    ((COMP_CWORD > 1)) && printf '%s\n' "$word"
}

# The argument that option $3 of command $2 takes by the table $1; fails if there is no such option.
_skiff_argument() {
    local name spelling argument rest
    while IFS=$'\x1f' read -r name spelling argument rest; do
        [[ $name == "$2" && ",$spelling," == *",$3,"* ]] || continue
        printf '%s' "$argument"
        return 0
    done <<<"$1"
    return 1
}

_skiff_complete_argument() {
    local argument=$1 cur=$2
    case $argument in
        *"|"*) mapfile -t COMPREPLY < <(compgen -W "${argument//|/ }" -- "$cur") ;;
        DIR) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
        FILE | SOCKET) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    esac
}

_skiff() {
    local skiff=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} command="" expecting="" table word before=""
    local -a globals=() operands=() words=()
    COMPREPLY=()
    # read(1) merges adjacent tabs, as they are white space: another separator keeps empty fields.
    table=$("$skiff" __options 2>/dev/null | tr '\t' '\037') || return
    mapfile -t words < <(_skiff_words)

    for word in "${words[@]}"; do
        if [[ -n $expecting ]]; then
            [[ $before == --root ]] && globals=(--root "$word")
            expecting=""
        elif [[ $word == --root=?* ]]; then
            globals=("$word")
        elif [[ $word == -* && ${#operands[@]} -eq 0 ]]; then
            [[ $word == *=?* ]] || expecting=$(_skiff_argument "$table" "$command" "${word%=}")
        elif [[ -z $command ]]; then
            command=$word
        else
            operands+=("$word")
        fi
        before=$word
    done

    if [[ -n $expecting ]]; then
        [[ $cur == "=" ]] && cur=""
        _skiff_complete_argument "$expecting" "$cur"
    elif [[ $cur == -* && ( ${#operands[@]} -eq 0 || ( $command != exec && $command != ps ) ) ]]; then
        local spellings
        spellings=$(awk -F '\037' -v c="$command" '$1 == c { gsub(",", " ", $2); print $2 }' <<<"$table")
        mapfile -t COMPREPLY < <(compgen -W "$spellings" -- "$cur")
    elif [[ -z $command || ( $command == help && ${#operands[@]} -eq 0 ) ]]; then
        mapfile -t COMPREPLY < <(
            compgen -W "$(awk -F '\037' '$1 != "" && !seen[$1]++ { print $1 }' <<<"$table")" -- "$cur")
    else
        case $command,${#operands[@]} in
            stats,*)
                mapfile -t COMPREPLY < <(
                    compgen -W "$("$skiff" "${globals[@]}" list -q 2>/dev/null)" -- "$cur") ;;
            start,0 | exec,0 | state,0 | kill,0 | delete,0 | ps,0 | events,0 | pause,0 | resume,0)
                mapfile -t COMPREPLY < <(
                    compgen -W "$("$skiff" "${globals[@]}" list -q 2>/dev/null)" -- "$cur") ;;
            seccomp,0) mapfile -t COMPREPLY < <(compgen -W "compile explain" -- "$cur") ;;
            seccomp,1) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
            kill,1)
                mapfile -t COMPREPLY < <(compgen -A signal -- "$cur")
                ((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -A signal -- "SIG$cur") ;;
        esac
    fi
}

complete -F _skiff skiff
