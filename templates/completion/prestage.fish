# fish completion for prestage: prestage completion fish | source
function __prestage_candidates
    set -l before (commandline --cut-at-cursor --current-process --tokenize)
    set -l word (commandline --cut-at-cursor --current-token)
    for line in (prestage completion fish --word="$word" -- $before[2..-1] 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$word"
            case :folders
                __fish_complete_directories "$word"
            case '*'
                echo $line
        end
    end
end
complete --command prestage --no-files --keep-order --arguments '(__prestage_candidates)'
