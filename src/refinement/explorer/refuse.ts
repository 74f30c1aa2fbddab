/** Options that do not fit a model are refused before anything is explored. */
import { type ExploreOptions, ExploreRefusal } from './exploration.js';
import type { ActionValue, StateModel } from './model.js';

/** Throws `ExploreRefusal` where `options` do not fit `model`. */
export const refuseMisfits = <S, A extends ActionValue>(model: StateModel<S, A>, options: ExploreOptions): void => {
  const names = model.properties.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new ExploreRefusal(`Two properties of ${model.name} are named "${twice}": give each a name of its own.`);
  if (options.symmetry !== true) return;
  if (model.canonical === undefined)
    throw new ExploreRefusal(`The model ${model.name} declares no symmetry: explore it without.`);
  const leadsTo = model.properties.find(({ kind }) => kind === 'leadsTo');
  // States that stand for others break the paths on which fairness rests.
  if (leadsTo !== undefined)
    throw new ExploreRefusal(
      `Symmetry cannot be used with the leads-to property "${leadsTo.name}": explore ${model.name} without.`,
    );
};
