# Completion of slipway for bash; made by 'slipway generate-docs'.

_slipway_names() {
    local IFS=$'\n'
    COMPREPLY=($(compgen -W "$(slipway completion-names "$1" 2>/dev/null | cut -f1)" -- "$cur"))
}

_slipway_is_verb() {
    case $1 in
    'data ls') return 0 ;;
    'data add') return 0 ;;
    'data show') return 0 ;;
    'data head') return 0 ;;
    'data rm') return 0 ;;
    'model ls') return 0 ;;
    'model show') return 0 ;;
    'model register') return 0 ;;
    'model evaluate') return 0 ;;
    'model approve') return 0 ;;
    'model revoke') return 0 ;;
    'model alias') return 0 ;;
    'model verify') return 0 ;;
    'template ls') return 0 ;;
    'template show') return 0 ;;
    'template render') return 0 ;;
    'target add') return 0 ;;
    'target ls') return 0 ;;
    'target rm') return 0 ;;
    'audit verify') return 0 ;;
    'config show') return 0 ;;
    'config get') return 0 ;;
    'config set') return 0 ;;
    esac
    return 1
}

_slipway_next() {
    case $1 in
    '') echo 'tui run train jobs logs stop retry runs show compare note tag rm restore export artifacts push status serve gpu audit doctor info completion help version data model template target config' ;;
    data) echo 'ls add show head rm' ;;
    model) echo 'ls show register evaluate approve revoke alias verify' ;;
    template) echo 'ls show render' ;;
    target) echo 'add ls rm' ;;
    config) echo 'show get set' ;;
    esac
}

_slipway_options() {
    case $1 in
    'tui') echo '--screen --theme --charts --ascii --no-mouse ' ;;
    'data ls') echo '--formats ' ;;
    'data add') echo '--name ' ;;
    'data show') echo '--rows ' ;;
    'data head') echo '--split --rows --first --column ' ;;
    'run') echo '--name --experiment --gpus --cpus --time-limit --grace --retries --after --env --tag --wait --ranks --cwd --data --param --metrics-from-output --metrics-file --tensorboard --pattern ' ;;
    'train') echo '--name --experiment --gpus --cpus --time-limit --grace --retries --after --env --tag --wait --net --data --split --target --val-fraction --epochs --batch --ranks --optimizer --lr --momentum --weight-decay --schedule --warmup --init --seed --engine --comm --comm-deadline --checkpoint-every --log-every --resume --out ' ;;
    'jobs') echo '--live --limit ' ;;
    'logs') echo '--follow --rank --lines ' ;;
    'stop') echo '--wait ' ;;
    'retry') echo '--wait ' ;;
    'runs') echo '--order-by --limit --offset --columns --experiment --deleted ' ;;
    'compare') echo '--metric --all --tags ' ;;
    'export') echo '--metric ' ;;
    'artifacts') echo '--recursive --output --digest ' ;;
    'model show') echo '--policy ' ;;
    'model register') echo '--run --path --description ' ;;
    'model evaluate') echo '--data --split --label --time-limit ' ;;
    'model approve') echo '--policy --target --comment --signing-key --dry-run ' ;;
    'model revoke') echo '--reason --approval ' ;;
    'model alias') echo '--delete ' ;;
    'template render') echo '--set ' ;;
    'target add') echo '--production ' ;;
    'push') echo '--to --template --set --policy --dry-run ' ;;
    'status') echo '--verify ' ;;
    'serve') echo '--port --listen --socket --certificate --key --allowed-host --routes ' ;;
    'audit') echo '--limit ' ;;
    'doctor') echo '--deep ' ;;
    'config show') echo '--origin ' ;;
    esac
    echo '--store --json --no-color --quiet --verbose --yes --help --version '
}

_slipway_value() {
    case "$1 $2" in
    *' --store') COMPREPLY=($(compgen -d -- "$cur")) ;;
    'tui --screen') : ;;
    'tui --theme') COMPREPLY=($(compgen -W "auto dark light mono" -- "$cur")) ;;
    'tui --charts') COMPREPLY=($(compgen -W "auto braille block ascii" -- "$cur")) ;;
    'data add --name') : ;;
    'data show --rows') : ;;
    'data head --split') : ;;
    'data head --rows' | 'data head -n') : ;;
    'data head --first') : ;;
    'data head --column' | 'data head -c') : ;;
    'run --name') : ;;
    'run --experiment') _slipway_names experiment ;;
    'run --gpus') : ;;
    'run --cpus') : ;;
    'run --time-limit') : ;;
    'run --grace') : ;;
    'run --retries') : ;;
    'run --after') _slipway_names job ;;
    'run --env') : ;;
    'run --tag') : ;;
    'run --ranks') : ;;
    'run --cwd') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'run --data') _slipway_names dataset ;;
    'run --param') : ;;
    'run --metrics-file') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'run --tensorboard') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'run --pattern') : ;;
    'train --name') : ;;
    'train --experiment') _slipway_names experiment ;;
    'train --gpus') : ;;
    'train --cpus') : ;;
    'train --time-limit') : ;;
    'train --grace') : ;;
    'train --retries') : ;;
    'train --after') _slipway_names job ;;
    'train --env') : ;;
    'train --tag') : ;;
    'train --net') : ;;
    'train --data' | 'train -d') _slipway_names dataset ;;
    'train --split') : ;;
    'train --target') : ;;
    'train --val-fraction') : ;;
    'train --epochs' | 'train -e') : ;;
    'train --batch' | 'train -b') : ;;
    'train --ranks' | 'train -n') : ;;
    'train --optimizer') COMPREPLY=($(compgen -W "adamw sgd" -- "$cur")) ;;
    'train --lr') : ;;
    'train --momentum') : ;;
    'train --weight-decay') : ;;
    'train --schedule') COMPREPLY=($(compgen -W "cosine constant" -- "$cur")) ;;
    'train --warmup') : ;;
    'train --init') COMPREPLY=($(compgen -W "glorot he" -- "$cur")) ;;
    'train --seed' | 'train -s') : ;;
    'train --engine') COMPREPLY=($(compgen -W "auto plain" -- "$cur")) ;;
    'train --comm') COMPREPLY=($(compgen -W "auto none shm" -- "$cur")) ;;
    'train --comm-deadline') : ;;
    'train --checkpoint-every') : ;;
    'train --log-every') : ;;
    'train --out' | 'train -o') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'jobs --limit') : ;;
    'logs --rank') : ;;
    'logs --lines' | 'logs -n') : ;;
    'runs --order-by') : ;;
    'runs --limit') : ;;
    'runs --offset') : ;;
    'runs --columns') : ;;
    'runs --experiment') _slipway_names experiment ;;
    'compare --metric' | 'compare -m') : ;;
    'export --metric' | 'export -m') : ;;
    'artifacts --output' | 'artifacts -o') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'model show --policy') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'model register --run') _slipway_names run ;;
    'model register --path') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'model register --description') : ;;
    'model evaluate --data' | 'model evaluate -d') _slipway_names dataset ;;
    'model evaluate --split') : ;;
    'model evaluate --label') : ;;
    'model evaluate --time-limit') : ;;
    'model approve --policy') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'model approve --target') _slipway_names target ;;
    'model approve --comment' | 'model approve -m') : ;;
    'model approve --signing-key') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'model revoke --reason' | 'model revoke -m') : ;;
    'model revoke --approval') : ;;
    'template render --set' | 'template render -s') : ;;
    'push --to') _slipway_names target ;;
    'push --template' | 'push -t') _slipway_names template ;;
    'push --set' | 'push -s') : ;;
    'push --policy') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'serve --port' | 'serve -p') : ;;
    'serve --listen') : ;;
    'serve --socket') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'serve --certificate') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'serve --key') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'serve --allowed-host') : ;;
    'audit --limit') : ;;
    *) return 1 ;;
    esac
    return 0
}

_slipway_argument() {
    case $1 in
    'data add') COMPREPLY=($(compgen -f -- "$cur")) ;;
    'data show') _slipway_names dataset ;;
    'data head') _slipway_names dataset ;;
    'data rm') _slipway_names dataset ;;
    'run') COMPREPLY=($(compgen -c -f -- "$cur")) ;;
    'train') COMPREPLY=($(compgen -W "mlp cnn linear" -- "$cur")) ;;
    'logs') _slipway_names job ;;
    'stop') _slipway_names job ;;
    'retry') _slipway_names job ;;
    'show') _slipway_names run ;;
    'compare') _slipway_names run ;;
    'note') _slipway_names run ;;
    'tag') _slipway_names run ;;
    'rm') _slipway_names run ;;
    'restore') _slipway_names run ;;
    'export') _slipway_names run ;;
    'artifacts') _slipway_names run ;;
    'model ls') _slipway_names model ;;
    'model show') _slipway_names model ;;
    'model register') _slipway_names model ;;
    'model evaluate') _slipway_names model ;;
    'model approve') _slipway_names model ;;
    'model revoke') _slipway_names model ;;
    'model alias') _slipway_names model ;;
    'model verify') _slipway_names model ;;
    'template show') _slipway_names template ;;
    'template render') _slipway_names template ;;
    'target rm') _slipway_names target ;;
    'push') _slipway_names model ;;
    'status') _slipway_names target ;;
    'config get') _slipway_names setting ;;
    'config set') _slipway_names setting ;;
    'completion') COMPREPLY=($(compgen -W "bash zsh fish" -- "$cur")) ;;
    esac
}

_slipway() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local verb= i word
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --store) ((i++)) ;;
        -*) ;;
        *)
            if [[ -z $verb ]]; then
                verb=$word
            elif _slipway_is_verb "$verb $word"; then
                verb="$verb $word"
                break
            else
                break
            fi
            ;;
        esac
    done
    if _slipway_value "$verb" "$prev"; then
        return
    fi
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(_slipway_options "$verb")" -- "$cur"))
        return
    fi
    if ((i >= COMP_CWORD)); then
        COMPREPLY=($(compgen -W "$(_slipway_next "$verb")" -- "$cur"))
        ((${#COMPREPLY[@]})) && return
    fi
    _slipway_argument "$verb"
}
complete -o bashdefault -F _slipway slipway
