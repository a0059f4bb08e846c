// What is drawn for whom: the sign-in screen for nobody, the shell for somebody.
import { Checking } from '../screens/sign-in/Checking';
import { SignIn } from '../screens/sign-in/SignIn';
import { useSessionState } from '../session/useSession';
import { Shell } from './Shell';

export function Root() {
  const state = useSessionState();
  if (state.status === 'signed-in') return <Shell />;
  if (state.status === 'checking') return <Checking stored={state.stored} />;
  return <SignIn because={state.because} />;
}
