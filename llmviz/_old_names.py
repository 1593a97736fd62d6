"""Where modules and names from before version 0.1 are now, for one helpful error. To be removed at version 1.0."""

import importlib.abc

# New place ("|" between several): old modules; renamed objects, old=new // next place …
_TABLE = """
course: exercises;
Standing=ProgressSummary Diary=EventLog Wrong=Distractor // deploy/jupyterhub_config.py: classroom // embeddings:
embeddings.plain // embeddings.vectors: embeddings.bias embeddings.real embeddings.space // embeddings.word2vec:
embeddings.learning // evaluation.capabilities: skills; load=load_capabilities record=record_capabilities //
evaluation.text_overlap: memorisation overlap; CopyFinder=SubstringIndex overlap=rouge_1 exact_share=exact_match //
evaluation|finetuning: limits; told_some_sentences_ago=facts_at_distance all_questions=fact_questions
changed=with_conflicting_facts refused=is_refusal // files: data_files lesson_files text_files
// finetuning: fine_tuning; NO_LABEL=IGNORE_INDEX Race=MethodComparison race_steps=comparison_steps
run_race=run_comparison load_races=load_comparisons begin=prepare mood_texts=sentiment_texts
mood_examples=sentiment_examples merged=merge_lora switched_off=disable_lora changes_of=lora_layers
questions=passage_questions // finetuning.summarization: summaries; finetune_steps=headline_steps
stories_to_test=new_stories score=score_summaries summarise_all=summarize // generation.beam: beam_search //
generation.fill_mask: filling; Filler=FillMask // generation.flops: reading_costs; reading_cost=forward_cost
step_costs=generation_costs // generation.sampling_tree: text_trees; TextTree=SamplingTree //
interpretability: ablation head_roles induction anatomy; repeat=repeat_tokens fresh_lists=repeated_sequences //
model.block: decoding block; normalise=normalize // model.attention: attention;
Rotation=RotaryEmbedding rotate=apply_rotary // model.attention|training|finetuning: one_page;
answer_targets=answer_labels NOT_COUNTED=IGNORE_INDEX // model.config: model_config //
model.config|training.architectures: architectures; changed=with_changes REAL=PUBLISHED
texts=load_data // model.trace: trace; StackTrace=Trace CrossBlockTrace=BlockTrace // model.transformer:
encoder_decoder transformer; Assembly=TransformerBase // plots: figures;
house_style=plot_style text_tree=sampling_tree // pretrained.convert: pretrained.families pretrained.loading
pretrained.sources // pretrained.probe: pretrained.glass pretrained.lesson_plan; Glass=ModelProbe
look_through=open_probe asked=as_chat // pretrained.registry: pretrained.catalogue pretrained.hub //
pretrained.tokenizer: pretrained.bert_words pretrained.chat pretrained.text; BertTokenizer=PretrainedTokenizer
EncodingTokenizer=PretrainedTokenizer // tinyville|translation.grammar: world; Teller=TextGenerator replay=score
PROGRAMS=GENERATORS hidden_words=masked_words next_stretches=next_pieces word_stretches=word_spans
update_sentence=fact_sentence // tokenizers.base: tokenizers.pieces tokenizers.texts
// tokenizers.bpe: tokenizers.byte_pair_training tokenizers.byte_pairs
tokenizers.spelled_words // tokenizers.reference: tokenizers.plain // tokenizers.tiktoken:
tokenizers.real_vocabularies // tokenizers.unigram: tokenizers.unigram_training tokenizers.unigrams //
tokenizers.wordpiece: tokenizers.word_piece_training tokenizers.word_pieces // tokenizers.words: tokenizers.characters
// tools/make_bundle.py: bundle // tools/train_models.py|tools/record.py: make_models //
training.checkpoints|artifacts: checkpoints; ASSEMBLIES=MODEL_CLASSES load_tiny=load_model load_induction=load_model
load_masked=load_model load_masked_long=load_model load_moods=load_model // training.controller: steering;
SteeredTraining=TrainingController // training.runs: parallel;
joined_team=join_process_group // training.masked_lm: masking; recovered=masked_accuracy
blank_id=mask_token_id BLANK=MASK_TOKEN // training.optimizers: optimizers //
training.runs: runs; begin=create carry_on=Run.train // training.scaling: scaling learning_rates // training|artifacts:
recordings; of_losses=recording_from_losses yardsticks=baselines
load=load_recording // widgets: explorers; RaceExplorer=ComparisonExplorer
TreeExplorer=SamplingTreeExplorer BlankExplorer=FillMaskExplorer // widgets.base: shell // pretrained: ;
look_through=probe.open_probe Glass=probe.ModelProbe
"""
MOVED: dict[str, str] = {}
for _entry in _TABLE.replace("\n", " ").strip().split(" // "):
    _new, _, _rest = _entry.partition(": ")
    _modules, _, _renamed = _rest.partition(";")
    _places = " and ".join(place if "/" in place else f"llmviz.{place}" for place in _new.split("|"))
    _list = f" Renamed there: {', '.join(_renamed.split()).replace('=', ' to ')}." if _renamed else ""
    MOVED |= {module: f"llmviz.{module} is now {_places}.{_list}" for module in _modules.split()}
    for _pair in _renamed.split():
        _old, _name = _pair.split("=")
        MOVED |= {f"{place}.{_old}": f"llmviz.{place}.{_old} is now called {_name}." for place in _new.split("|")}


class OldNames(importlib.abc.MetaPathFinder):
    """Finds nothing; raises an ImportError that names the new place of what moved.

    `from package import name` looks for a module `package.name` if the package has no such name, so renamed objects
    come here as well.
    """

    def find_spec(self, fullname, path, target=None):
        """Raise ImportError for an old name of llmviz; None for every other module."""
        package, _, old = fullname.partition(".")
        if package == "llmviz" and old in MOVED:
            raise ImportError(MOVED[old], name=fullname)
