"""Modules and names before version 0.1, for one helpful error. To be removed at version 1.0."""

import importlib.abc

# Each entry begins at the left margin: the old module, its new place ("|" between several), then renamed objects.
TABLE = """
ablation interpretability.ablation
anatomy interpretability.lens
architectures model.config|training.architectures changed=with_changes REAL=PUBLISHED texts=load_data
attention model.attention Rotation=RotaryEmbedding rotate=apply_rotary
beam_search generation.beam
block model.block normalise=normalize
bundle tools/make_bundle.py
checkpoints training.checkpoints|artifacts ASSEMBLIES=MODEL_CLASSES load_tiny=load_model load_induction=load_model
    load_masked=load_model load_masked_long=load_model load_moods=load_model
classroom deploy/jupyterhub_config.py
corpus_report corpus_stats CorpusReport=CorpusStats report=corpus_stats
data_files files
decoding model._cached_block
embeddings.learning embeddings.word2vec
embeddings.plain embeddings
embeddings.real embeddings.vectors
embeddings.space embeddings.vectors
encoder_decoder model.transformer
exercises course Standing=ProgressSummary standing=progress_summary glance=summary Diary=EventLog Wrong=Distractor
    NeverEnds=TimeLimitExceeded
explorers widgets RaceExplorer=ComparisonExplorer LiveRaceExplorer=LiveComparisonExplorer
    TreeExplorer=SamplingTreeExplorer LiveTreeExplorer=LiveSamplingTreeExplorer BlankExplorer=FillMaskExplorer
    LiveBlankExplorer=LiveFillMaskExplorer
figures plots house_style=plot_style text_tree=sampling_tree
filling generation.fill_mask Filler=FillMask
fine_tuning finetuning NO_LABEL=IGNORE_INDEX Race=MethodComparison race_steps=comparison_steps
    run_race=run_comparison load_races=load_comparisons Learner=FineTuningState
    begin=prepare predicted=predict mood_texts=sentiment_texts mood_examples=sentiment_examples merged=merge_lora
    switched_off=disable_lora changes_of=lora_layers questions=passage_questions
head_roles interpretability.heads
induction interpretability.induction config=induction_config train_steps=induction_steps repeat=repeat_tokens
    fresh_lists=repeated_sequences
learning_rates training.schedules
lesson_files files
limits evaluation|finetuning told_some_sentences_ago=facts_at_distance all_questions=fact_questions
    changed=with_conflicting_facts Question=FactQuestion refused=is_refusal
make_models tools/train_models.py|tools/record.py
masking training.masked_lm hide=mask_tokens recovered=masked_accuracy fill_blanks=predict_masked
    blank_id=mask_token_id BLANK=MASK_TOKEN
memorisation evaluation.memorization CopyFinder=SubstringIndex
model_config model.config
one_page model.attention|training|finetuning answer_targets=answer_labels NOT_COUNTED=IGNORE_INDEX
optimizers training.optimizers
overlap evaluation.text_overlap overlap=rouge_1 exact_share=exact_match
parallel training.distributed Team=ProcessGroup ALONE=SINGLE_PROCESS joined_team=join_process_group
pretrained.bert_words pretrained.tokenizer BertTokenizer=PretrainedTokenizer
pretrained.catalogue pretrained.registry
pretrained.chat pretrained.tokenizer
pretrained.families pretrained.convert
pretrained.glass pretrained.probe Glass=ModelProbe look_through=open_probe
pretrained.lesson_plan pretrained.probe asked=as_chat
pretrained.hub pretrained.registry
pretrained.loading pretrained.convert open_source=open_weights
pretrained.sources pretrained.weights
pretrained.text pretrained.tokenizer EncodingTokenizer=PretrainedTokenizer
reading_costs generation.flops reading_cost=forward_cost step_costs=generation_costs
recordings training|artifacts of_losses=recording_from_losses yardsticks=baselines
    Subject=ProbeSet AttentionFilm=AttentionFrames SUBJECT=PROBE_SET
    load=load_recording save=save_recording
runs training.runs begin=create carry_on=train
scaling training.scaling
shell widgets.base
skills evaluation.capabilities Skills=CapabilityCurves load=load_capabilities
    record=record_capabilities
steering training.controller SteeredTraining=TrainingController
summaries finetuning.summarization finetune_steps=headline_steps stories_to_test=new_stories score=score_summaries
    summarise_all=summarize
text_files files
text_trees generation.sampling_tree Fork=TokenDistribution TextTree=SamplingTree
tokenizers.byte_pair_training tokenizers.bpe
tokenizers.byte_pairs tokenizers.bpe
tokenizers.characters tokenizers.words
tokenizers.pieces tokenizers.base PieceTokenizer=VocabularyTokenizer
tokenizers.plain tokenizers.reference
tokenizers.real_vocabularies tokenizers.tiktoken
tokenizers.spelled_words tokenizers.bpe SpelledWords=WordTable
tokenizers.texts tokenizers.base
tokenizers.unigram_training tokenizers.unigram
tokenizers.unigrams tokenizers.unigram
tokenizers.word_piece_training tokenizers.wordpiece
tokenizers.word_pieces tokenizers.wordpiece
trace model.trace
transformer model.transformer Assembly=TransformerBase PreparedUnembedding=MaskedLMHead HeadsOff=AblatedHeads
world tinyville|translation.grammar Teller=TextGenerator replay=score PROGRAMS=GENERATORS
    hidden_words=masked_words next_stretches=next_pieces word_stretches=word_spans update_sentence=fact_sentence
"""
ENTRIES = {entry.split()[0]: entry.split()[1:] for entry in TABLE.replace("\n    ", " ").strip().splitlines()}


class OldNames(importlib.abc.MetaPathFinder):
    """Import finder that raises an ImportError naming the new place of a module that moved; it finds nothing."""

    def find_spec(self, fullname, path, target=None):
        """Raise ImportError for an old module of llmviz; None for every other module."""
        package, _, old = fullname.partition(".")
        if package != "llmviz" or old not in ENTRIES:
            return None
        new, *renamed = ENTRIES[old]
        places = [place if "/" in place else f"llmviz.{place}" for place in new.split("|")]
        message = f"llmviz.{old} is now {' and '.join(places)}."
        if renamed:
            message += f" Renamed there: {', '.join(renamed).replace('=', ' to ')}."
        raise ImportError(message, name=fullname)
