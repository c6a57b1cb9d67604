# Completion of skiff's command line for fish.
#
# Commands and options are asked of the program itself (`skiff __options`: command, spelling,
# argument and help, between tabs), so that this file never falls behind it.

# Words of the command line from the command on; none while global options are typed.
function __skiff_command
    set -l words (commandline -opc)
    set -e words[1]
    set -l with_argument (skiff __options 2>/dev/null | string match -rg '^\t--([^\t,]+)[^\t]*\t[^\t]')
    while set -q words[1]
        switch $words[1]
            case '--*=*'
            case '-*'
                contains -- (string sub -s 3 -- $words[1]) $with_argument; and set -e words[1]
            case '*'
                printf '%s\n' $words
                return
        end
        set -e words[1]
    end
end

function __skiff_needs_command
    test -z (__skiff_command | string collect)
end

# Whether the command is one of those given.
function __skiff_in
    set -l words (__skiff_command)
    set -q words[1]; and contains -- $words[1] $argv
end

function __skiff_containers
    set -l root (commandline -opc | string join \n | string match -rg '^--root=(.+)')
    set -l words (commandline -opc)
    if set -l at (contains -i -- --root $words)
        set root $words[(math $at + 1)]
    end
    if set -q root[1]
        skiff --root $root[1] list -q 2>/dev/null
    else
        skiff list -q 2>/dev/null
    end
end

complete -c skiff -f
complete -c skiff -n '__skiff_in start exec state kill delete ps events stats pause resume' -a '(__skiff_containers)'
complete -c skiff -n '__skiff_in seccomp' -a 'compile explain' -F
complete -c skiff -n '__skiff_in kill' -a 'HUP INT QUIT KILL USR1 USR2 TERM CONT STOP WINCH'

skiff __options 2>/dev/null | while read -d \t -l name spelling argument help
    set -l condition __skiff_needs_command
    if test -n "$name"
        set condition "__skiff_in $name"
        if not contains -- $name $__skiff_seen
            set -a __skiff_seen $name
            complete -c skiff -n '__skiff_needs_command; or __skiff_in help' -a $name
        end
    end
    set -l options -l (string match -rg '^--([^,]+)' -- $spelling)
    set -l letter (string match -rg ',-(.)$' -- $spelling)
    test -n "$letter"; and set -a options -s $letter
    switch "$argument"
        case ''
        case '*|*'
            set -a options -x -a (string replace -a '|' ' ' -- $argument)
        case DIR
            set -a options -x -a '(__fish_complete_directories)'
        case FILE SOCKET
            set -a options -r -F
        case '*'
            set -a options -x
    end
    complete -c skiff -n $condition $options -d $help
end
set -e __skiff_seen
