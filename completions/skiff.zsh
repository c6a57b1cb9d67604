#compdef skiff
# Completion of skiff's command line for zsh. Install it as _skiff in a directory of $fpath.
#
# Commands and options are asked of the program itself (`skiff __options`: command, spelling,
# argument and help, between tabs), so that this file never falls behind it.

# Sets `reply` to the _arguments specifications of the options of command $1.
_skiff_option_specs() {
    local line spelling argument help action
    local -a fields names
    reply=()
    for line in $table; do
        fields=("${(@ps:\t:)line}")
        [[ $fields[1] == "$1" ]] || continue
        argument=$fields[3] help=${${fields[4]//\[/\\[}//\]/\\]}
        case $argument in
            *'|'*) action="(${argument//|/ })" ;;
            DIR) action='_files -/' ;;
            FILE|SOCKET) action='_files' ;;
            *) action=' ' ;;
        esac
        [[ -n $argument ]] && argument=":${argument//:/\\:}:$action"
        names=(${(s:,:)fields[2]})
        for spelling in $names; do
            # Options that may be repeated say so.
            if [[ $help == *'may be repeated'* ]]; then
                reply+=("*${spelling}[${help//:/\\:}]$argument")
            elif [[ -n $argument && $spelling == --* ]]; then
                reply+=("($names)${spelling}=[${help//:/\\:}]$argument")
            else
                reply+=("($names)${spelling}[${help//:/\\:}]$argument")
            fi
        done
    done
}

_skiff_commands() {
    local -a names
    names=(${(u)${(@)table%%$'\t'*}})
    compadd -a names
}

_skiff_containers() {
    local -a globals ids
    [[ -n ${opt_args[--root]:-$skiff_root} ]] && globals=(--root "${opt_args[--root]:-$skiff_root}")
    ids=(${(f)"$(skiff $globals list -q 2>/dev/null)"})
    compadd -a ids
}

_skiff() {
    local context state state_descr line skiff_root
    local -A opt_args
    local -a table reply operands
    table=("${(@f)$(_call_program options skiff __options)}")
    _skiff_option_specs ''
    _arguments -C $reply '1:command:_skiff_commands' '*:: :->command' && return
    [[ $state == command ]] || return

    skiff_root=${opt_args[--root]}
    local command=$line[1]
    case $command in
        help) operands=('1:command:_skiff_commands') ;;
        kill) operands=('1:container:_skiff_containers' '2:signal:_signals') ;;
        exec) operands=('1:container:_skiff_containers' '*:: :_default') ;;
        ps) operands=('1:container:_skiff_containers' '*:ps option: ') ;;
        start|state|delete|events|pause|resume) operands=('1:container:_skiff_containers') ;;
        stats) operands=('*:container:_skiff_containers') ;;
        seccomp) operands=('1:action:(compile explain)' '2:profile:_files' '*:system call: ') ;;
        create|run) operands=('1:container id: ') ;;
    esac
    _skiff_option_specs $command
    _arguments -s $reply $operands
}

_skiff "$@"
